//! Plays every provider of accounts.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
    serve::ListenerExt,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::channel::Channel;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// The longest request body that is kept.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Answers for all providers, and remembers what they were asked: a server on 127.0.0.1 whose paths begin with the host
/// that is played, like `/api.github.com/user`. Of `axum_users` it is the gateway of `ProviderClient::through`.
///
/// A route is named by method, host and path, like `GET api.github.com/user`. Those without an answer are not found.
pub struct FakeProvider {
    port: u16,
    played: Arc<Played>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Played {
    script: Mutex<Script>,
    connections: AtomicUsize,
}

type Answers = Arc<dyn Fn(&FakeRequest) -> FakeAnswer + Send + Sync>;

#[derive(Default)]
struct Script {
    always: HashMap<String, Answers>,
    once: HashMap<String, VecDeque<FakeAnswer>>,
    requests: Vec<FakeRequest>,
}

impl FakeProvider {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let played = Arc::new(Played::default());
        let counted = played.clone();
        let listener = listener.tap_io(move |_| {
            counted.connections.fetch_add(1, Ordering::Relaxed);
        });
        let router = Router::new().fallback(play).with_state(played.clone());
        let serving = tokio::spawn(async move {
            // It ends with its task only.
            let _ = axum::serve(listener, router).await;
        });
        Self { port, played, serving }
    }

    /// Such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a route answers from now on.
    pub fn answer(&self, route: &str, answer: FakeAnswer) {
        self.answer_by(route, move |_| answer.clone());
    }

    /// What a route makes of each request from now on.
    pub fn answer_by(
        &self,
        route: &str,
        answer: impl Fn(&FakeRequest) -> FakeAnswer + Send + Sync + 'static,
    ) {
        self.played.script().always.insert(route.to_owned(), Arc::new(answer));
    }

    /// What a route answers once, after those that are queued already and before what it answers always.
    pub fn answer_once(&self, route: &str, answer: FakeAnswer) {
        self.played.script().once.entry(route.to_owned()).or_default().push_back(answer);
    }

    /// All requests since the start or the last [`clear`](Self::clear), first to last.
    pub fn requests(&self) -> Vec<FakeRequest> {
        self.played.script().requests.clone()
    }

    /// The requests to one route.
    pub fn requests_to(&self, route: &str) -> Vec<FakeRequest> {
        self.played.script().requests.iter().filter(|request| request.route == route).cloned().collect()
    }

    /// Forgets answers and requests.
    pub fn clear(&self) {
        *self.played.script() = Script::default();
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.played.connections.load(Ordering::Relaxed)
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Played {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a [`FakeProvider`] was asked.
#[derive(Clone, Debug)]
pub struct FakeRequest {
    /// Method, host and path, like `GET api.github.com/user`.
    pub route: String,
    /// The parameters of the URL, decoded.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The fields of the body, decoded, if it is a form.
    pub form: Vec<(String, String)>,
    /// The body as it is.
    pub body: Vec<u8>,
}

impl FakeRequest {
    async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default().to_vec();
        let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        let is_form =
            content_type.is_some_and(|value| value.starts_with(b"application/x-www-form-urlencoded"));
        Self {
            route: format!("{} {}", parts.method, parts.uri.path().trim_start_matches('/')),
            query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
            headers: parts.headers,
            form: if is_form { pairs(&body) } else { Vec::new() },
            body,
        }
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// What a [`FakeProvider`] answers: 200 and a body, unless it is told otherwise.
#[derive(Clone, Debug)]
pub struct FakeAnswer {
    status: StatusCode,
    headers: HeaderMap,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(Bytes),
    After(Duration),
    Drips(Duration),
    Endless,
}

impl FakeAnswer {
    /// JSON.
    pub fn json(value: Value) -> Self {
        Self::text("application/json", &value.to_string())
    }

    /// A text of any kind.
    pub fn text(content_type: &str, text: &str) -> Self {
        Self::bytes(content_type, text.as_bytes().to_vec())
    }

    /// Any bytes.
    pub fn bytes(content_type: &str, bytes: Vec<u8>) -> Self {
        Self::of(Content::Whole(bytes.into())).header("content-type", content_type)
    }

    /// 302 to another place.
    pub fn redirect(location: &str) -> Self {
        Self::of(Content::Whole(Bytes::new())).status(302).header("location", location)
    }

    /// Nothing at all for so long, not even headers.
    pub fn stalls(time: Duration) -> Self {
        Self::of(Content::After(time))
    }

    /// A body that begins and never ends, with so much time before each byte.
    pub fn drips(pause: Duration) -> Self {
        Self::of(Content::Drips(pause))
    }

    /// A body that never ends, as fast as it is read.
    pub fn endless() -> Self {
        Self::of(Content::Endless)
    }

    /// With another status than 200.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).expect("a status");
        self
    }

    /// With one more header, in place of one of that name.
    ///
    /// # Panics
    /// When it cannot be one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("the name of a header");
        self.headers.insert(name, HeaderValue::from_str(value).expect("the value of a header"));
        self
    }

    fn of(content: Content) -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), content }
    }
}

async fn play(State(played): State<Arc<Played>>, request: Request) -> Result<Response, Infallible> {
    let request = FakeRequest::read(request).await;
    let answer = {
        let mut script = played.script();
        let once = script.once.get_mut(&request.route).and_then(VecDeque::pop_front);
        let always = || Some(script.always.get(&request.route)?(&request));
        let answer = once.or_else(always);
        script.requests.push(request);
        answer.unwrap_or_else(|| FakeAnswer::json(Value::Null).status(404))
    };
    let body = match answer.content {
        Content::Whole(bytes) => Body::from(bytes),
        Content::After(time) => {
            tokio::time::sleep(time).await;
            Body::empty()
        }
        Content::Drips(pause) => repeated(Bytes::from_static(b" "), pause),
        Content::Endless => repeated(Bytes::from(vec![b' '; 64 * 1024]), Duration::ZERO),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

/// Spaces, which JSON may begin with, until the client has gone.
fn repeated(piece: Bytes, pause: Duration) -> Body {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        while sender.send_data(piece.clone()).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    Body::new(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn routes_answer_by_the_script_and_requests_are_remembered() {
        let fake = FakeProvider::start().await;
        let client = reqwest::Client::new();
        let route = "POST provider.example/token";
        fake.answer(route, FakeAnswer::json(json!({"always": true})));
        fake.answer_once(route, FakeAnswer::text("text/html", "once").status(503).header("x-once", "1"));
        let post = async || {
            let url = format!("{}/provider.example/token?a=b%20c", fake.url());
            client.post(url).form(&[("code", "ä")]).send().await.unwrap()
        };
        let once = post().await;
        assert_eq!(
            (once.status().as_u16(), &once.headers()["x-once"]),
            (503, &HeaderValue::from_static("1"))
        );
        assert_eq!(once.text().await.unwrap(), "once");
        assert_eq!(post().await.json::<Value>().await.unwrap(), json!({"always": true}));
        let unknown = client.get(format!("{}/other.example/", fake.url())).send().await.unwrap();
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND);

        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let [request, _] = fake.requests_to(route).try_into().unwrap();
        assert_eq!((request.query, request.form), (pair("a", "b c"), pair("code", "ä")));
        assert_eq!(request.body, b"code=%C3%A4");
        assert_eq!(fake.requests()[2].route, "GET other.example/");
        assert!(fake.connections() >= 1);
        fake.clear();
        assert!(fake.requests().is_empty());
    }

    #[tokio::test]
    async fn bodies_that_never_end_go_on_as_long_as_they_are_read() {
        let fake = FakeProvider::start().await;
        fake.answer("GET host/drips", FakeAnswer::drips(Duration::from_millis(1)));
        fake.answer("GET host/endless", FakeAnswer::endless());
        for (path, length) in [("drips", 10), ("endless", 10_000_000)] {
            let mut response = reqwest::get(format!("{}/host/{path}", fake.url())).await.unwrap();
            let mut read = 0;
            while read < length {
                read += response.chunk().await.unwrap().unwrap().len();
            }
        }
    }

    #[tokio::test]
    async fn a_stall_gives_no_headers() {
        let fake = FakeProvider::start().await;
        fake.answer("GET host/", FakeAnswer::stalls(Duration::from_secs(3600)));
        let asked = reqwest::get(format!("{}/host/", fake.url()));
        assert!(tokio::time::timeout(Duration::from_millis(200), asked).await.is_err());
    }
}
