//! How long a request may take.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tower::ServiceExt;

use super::detail;
use crate::serve::{self, Alarm};

/// A request that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(10);

/// Gives up what takes too long: with 408 if the client has not sent its body, else with 503.
pub async fn limit(request: Request, router: Router, alarm: &Mutex<Alarm>) -> Response {
    let (mut request, mut sent) = (request, None);
    if !request.body().is_end_stream() {
        let watch = Arc::clone(sent.insert(Arc::new(AtomicBool::new(false))));
        request = request.map(|body| Body::new(Watched { body, sent: watch }));
    }
    let until = Instant::now() + LIMIT;
    let mut answer = pin!(router.oneshot(request));
    let answer = poll_fn(|context| {
        if let Poll::Ready(Ok(response)) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(response));
        }
        let mut alarm = alarm.lock().unwrap_or_else(PoisonError::into_inner);
        alarm.poll(until, context).map(|()| None)
    });
    answer.await.unwrap_or_else(|| {
        if sent.is_some_and(|sent| !sent.load(Ordering::Relaxed)) {
            return serve::last(detail(StatusCode::REQUEST_TIMEOUT, "Request Timeout"));
        }
        let mut response = detail(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    })
}

/// A body that tells when it has been read to its end.
struct Watched {
    body: Body,
    sent: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if frame.is_none() || this.body.is_end_stream() {
            this.sent.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;

    use super::*;

    async fn answer(body: Body) -> Response {
        let slow = async |_: Bytes| std::future::pending::<StatusCode>().await;
        let (request, router) = (Request::post("/").body(body), Router::new().route("/", post(slow)));
        limit(request.unwrap(), router, &Mutex::default()).await
    }

    /// A body that never comes.
    struct Never;

    impl HttpBody for Never {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_tells_who_was_too_slow() {
        for body in [Body::empty(), Body::from("all of it")] {
            let response = answer(body).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "1");
        }
        let response = answer(Body::new(Never)).await;
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(response.headers()["connection"], "close");
    }
}
