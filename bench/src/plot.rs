//! Bars on a logarithmic scale, as SVG, in colours that can be read on light and on dark ground.

use anyhow::anyhow;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::servers::Kind;

/// Bars that stand together, by whom they are of.
pub struct Group {
    pub title: String,
    pub bars: Vec<(Kind, f64)>,
}

const WIDTH: u32 = 880;
/// Of all bars of a group, and of the rest.
const GROUP_HEIGHT: u32 = 62;
const LONE_BAR_HEIGHT: u32 = 26;
const HEAD_HEIGHT: u32 = 120;
const LABELS_WIDTH: u32 = 270;
/// Of the height of a group, what its bars take.
const FILLED: f64 = 0.8;
const TEXT: RGBColor = RGBColor(0x7d, 0x85, 0x90);
const LINES: RGBAColor = RGBAColor(0x7d, 0x85, 0x90, 0.3);

const fn colour(kind: Kind) -> RGBColor {
    match kind {
        Kind::Reference => RGBColor(0xd9, 0x82, 0x2b),
        Kind::AxumLogin => RGBColor(0x96, 0x73, 0xd6),
        Kind::Ours => RGBColor(0x2f, 0x81, 0xf7),
        Kind::Limit | Kind::BareHash => RGBColor(0x2d, 0xa4, 0x4e),
    }
}

/// A picture of a page's width; nothing if there is no group.
pub fn bars(title: &str, axis: &str, groups: &[Group]) -> anyhow::Result<String> {
    if groups.is_empty() {
        return Ok(String::new());
    }
    let mut svg = String::new();
    let lone = groups.iter().all(|group| group.bars.len() == 1);
    let each = if lone { LONE_BAR_HEIGHT } else { GROUP_HEIGHT };
    let height = HEAD_HEIGHT + each * u32::try_from(groups.len())?;
    draw(&mut svg, height, title, axis, groups).map_err(|error| anyhow!("{error}"))?;
    let fixed = format!("width=\"{WIDTH}\" height=\"{height}\"");
    Ok(svg.replacen(&fixed, "width=\"100%\" role=\"img\"", 1))
}

fn draw(
    svg: &mut String,
    height: u32,
    title: &str,
    axis: &str,
    groups: &[Group],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    let figures = || groups.iter().flat_map(|group| &group.bars).map(|&(_, figure)| figure);
    let least = figures().fold(f64::INFINITY, f64::min).max(1e-3);
    let most = figures().fold(least, f64::max);
    // Whole decades, so that the least has a bar too, and room for its figure at the right.
    let range = 10_f64.powf((least / 1.5).log10().floor())..most * 12.0;
    let begin = range.start;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .caption(title, ("sans-serif", 18).into_font().color(&TEXT))
        .x_label_area_size(44)
        .y_label_area_size(LABELS_WIDTH)
        .build_cartesian_2d(range.log_scale(), 0.0..groups.len() as f64)?;
    let small = ("sans-serif", 13).into_font().color(&TEXT);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_desc(axis)
        .axis_style(LINES)
        .bold_line_style(LINES)
        .light_line_style(TRANSPARENT)
        .label_style(small.clone())
        .x_label_formatter(&|value| format!("{value}"))
        .draw()?;
    let (at_left, at_right) = (Pos::new(HPos::Left, VPos::Center), Pos::new(HPos::Right, VPos::Center));
    for (number, group) in groups.iter().enumerate() {
        let top = (groups.len() - number) as f64 - (1.0 - FILLED) / 2.0;
        let thick = FILLED / group.bars.len() as f64;
        let (x, y) = chart.backend_coord(&(begin, top - FILLED / 2.0));
        root.draw(&Text::new(group.title.clone(), (x - 8, y), small.pos(at_right)))?;
        for (index, &(kind, figure)) in group.bars.iter().enumerate() {
            let upper = top - index as f64 * thick;
            let corners = [(begin, upper), (figure.max(begin), upper - thick * 0.9)];
            chart.draw_series([Rectangle::new(corners, colour(kind).filled())])?;
            let (x, y) = chart.backend_coord(&(figure.max(begin), upper - thick / 2.0));
            let words = format!("{} {}", label(figure), kind.name());
            root.draw(&Text::new(
                words,
                (x + 4, y),
                ("sans-serif", 11).into_font().color(&TEXT).pos(at_left),
            ))?;
        }
    }
    root.present()?;
    Ok(())
}

fn label(figure: f64) -> String {
    if figure >= 10.0 { format!("{figure:.0}") } else { format!("{figure:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(bars("a title", "µs", &[]).unwrap(), "");
    }

    #[test]
    fn every_figure_has_its_bar() {
        let bars_of = |figures: [f64; 2]| vec![(Kind::Reference, figures[0]), (Kind::Ours, figures[1])];
        let groups = [("one", [2000.0, 25.0]), ("two & more", [600.0, 8.5])]
            .map(|(title, figures)| Group { title: title.to_owned(), bars: bars_of(figures) });
        let svg = bars("a title", "µs", &groups).unwrap();
        assert!(svg.starts_with("<svg width=\"100%\""), "{svg}");
        for text in ["a title", "two &amp; more", "2000 fastapi-users", "8.5 axum-users", "#2F81F7"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        // A blank line would end it where it stands in a page.
        assert!(!svg.trim().contains("\n\n"), "{svg}");
    }
}
