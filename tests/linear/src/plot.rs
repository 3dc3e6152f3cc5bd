//! The counts as a picture: both axes in powers of ten, so that what is linear rises by one for each step aside.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::Counts;
use crate::cases::Case;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub fn draw(path: &str, cases: &[&Case], counts: &[Counts]) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, (1360, 960)).into_drawing_area();
    area.fill(&WHITE)?;
    let (chart, legend) = area.split_horizontally(880);
    lines(&chart, counts)?;
    names(&legend, cases)?;
    area.present()?;
    Ok(())
}

/// One for each case, with its number at the end.
fn lines(area: &Area<'_>, counts: &[Counts]) -> Result<(), Box<dyn Error>> {
    let points: Vec<Vec<(f64, f64)>> =
        counts.iter().map(|counts| counts.iter().map(|(n, count)| (*n as f64, *count as f64)).collect()).collect();
    let (right, top) = points.iter().flatten().fold((1.0, 1.0), |(x, y), point| (point.0.max(x), point.1.max(y)));
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((1.0..right * 4.0).log_scale(), (100.0..top * 2.0).log_scale())?;
    let powers = |value: &f64| format!("10^{}", value.log10().round());
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("n")
        .y_desc("instructions")
        .x_label_formatter(&powers)
        .y_label_formatter(&powers)
        .label_style(("sans-serif", 16))
        .draw()?;
    for (at, points) in points.iter().enumerate() {
        let color = color(at);
        chart.draw_series(LineSeries::new(points.iter().copied(), &color))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 2, color.filled())))?;
        let number = ("sans-serif", 13).into_font().color(&color);
        let end =
            |point: &(f64, f64)| EmptyElement::at(*point) + Text::new((at + 1).to_string(), (4, -6), number.clone());
        chart.draw_series(points.last().map(end))?;
    }
    Ok(())
}

/// What each number stands for.
fn names(area: &Area<'_>, cases: &[&Case]) -> Result<(), Box<dyn Error>> {
    for (at, case) in cases.iter().enumerate() {
        let style = ("sans-serif", 14).into_font().color(&color(at));
        let text = format!("{} {}, {}", at + 1, case.name, case.unit);
        area.draw(&Text::new(text, (0, 20 + 22 * i32::try_from(at)?), style))?;
    }
    Ok(())
}

/// Round the circle by the golden ratio, which keeps those apart that are neighbours in the list.
fn color(at: usize) -> HSLColor {
    HSLColor((at as f64 * 0.618).fract(), 0.9, 0.35)
}
