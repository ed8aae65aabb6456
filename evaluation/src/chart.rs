//! Charts over time as SVG, drawn for a page that brings its colours: `--ink`, `--faint`, and `--c0` to `--c9`.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

/// About so many lines go across, and labels along.
const TICKS: f64 = 5.0;

/// How the colours go round.
const COLOURS: usize = 10;

/// What is drawn in one colour.
pub struct Series<'a> {
    pub name: &'a str,
    /// The number of its colour, from 0 on: whoever is in several charts has the same in all.
    pub colour: usize,
    pub values: Vec<f64>,
}

/// What the points of a chart are along.
pub enum Axis<'a> {
    /// Seconds, which are labelled in minutes.
    Time,
    /// Something else: its name, what the first point stands for, and the last one.
    Named(&'a str, f64, f64),
}

/// Series over the same points.
pub struct Chart<'a> {
    pub title: String,
    pub unit: &'a str,
    pub axis: Axis<'a>,
    /// Where the points are: seconds, or places at equal distances.
    pub times: &'a [u64],
    pub series: Vec<Series<'a>>,
    /// Bands on top of each other, which show parts and their sum; lines otherwise.
    pub stacked: bool,
}

impl Chart<'_> {
    /// The chart with its title and legend.
    pub fn figure(&self) -> String {
        let mut html = format!(
            "<figure><figcaption>{} <span class=\"unit\">{}</span></figcaption>\n",
            escape(&self.title),
            escape(self.unit)
        );
        html.push_str(&self.svg());
        html.push_str("<div class=\"legend\">");
        for series in &self.series {
            let (name, colour) = (escape(series.name), series.colour % COLOURS);
            let _ = write!(
                html,
                "<span><i style=\"background:var(--c{colour})\"></i>{name}</span>"
            );
        }
        html.push_str("</div></figure>\n");
        html
    }

    fn svg(&self) -> String {
        let title = escape(&self.title);
        let mut svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n");
        let step = nice(self.most() / TICKS);
        let top = (self.most() / step).ceil().max(1.0) * step;
        self.draw_grid(&mut svg, step, top);
        let mut floor = vec![0.0; self.times.len()];
        for series in &self.series {
            let (class, path) = match self.stacked {
                true => ("band", self.band(&mut floor, &series.values, top)),
                false => ("line", self.line(&series.values, top)),
            };
            let colour = series.colour % COLOURS;
            let name = escape(series.name);
            let _ = writeln!(
                svg,
                "<path class=\"{class}\" style=\"--c:var(--c{colour})\" d=\"{path}\"><title>{name}</title></path>"
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// The highest point.
    fn most(&self) -> f64 {
        let at = |time: usize| {
            let values = self.series.iter().map(move |series| series.values[time]);
            match self.stacked {
                true => values.sum(),
                false => values.fold(0.0, f64::max),
            }
        };
        let most = (0..self.times.len()).map(at).fold(0.0, f64::max);
        if most > 0.0 {
            most
        } else {
            1.0
        }
    }

    fn draw_grid(&self, svg: &mut String, step: f64, top: f64) {
        let lines = (top / step).round() as u32;
        for value in (0..=lines).map(|line| f64::from(line) * step) {
            let (y, end) = (y(value, top), WIDTH - RIGHT);
            let digits = (-step.log10().floor()).max(0.0) as usize;
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{end}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.digits$}</text>",
                LEFT - 8.0,
                y + 4.0
            );
        }
        match self.axis {
            Axis::Time => self.draw_minutes(svg),
            Axis::Named(name, from, to) => self.draw_ends(svg, name, from, to),
        }
    }

    fn draw_minutes(&self, svg: &mut String) {
        let minutes = self.end() / 60.0;
        let step = nice(minutes / TICKS).max(1.0);
        for minute in (0..=(minutes / step) as u32).map(|label| f64::from(label) * step) {
            self.draw_label(svg, minute * 60.0, "middle", &format!("{minute:.0} min"));
        }
    }

    fn draw_ends(&self, svg: &mut String, name: &str, from: f64, to: f64) {
        self.draw_label(svg, 0.0, "start", &from.to_string());
        self.draw_label(svg, self.end() / 2.0, "middle", &escape(name));
        self.draw_label(svg, self.end(), "end", &to.to_string());
    }

    fn draw_label(&self, svg: &mut String, at: f64, anchor: &str, text: &str) {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>",
            self.x(at),
            HEIGHT - 12.0
        );
    }

    fn line(&self, values: &[f64], top: f64) -> String {
        let points = self.times.iter().zip(values);
        points
            .enumerate()
            .map(|(index, (time, value))| {
                let command = if index == 0 { 'M' } else { 'L' };
                format!("{command}{:.1} {:.1}", self.x(*time as f64), y(*value, top))
            })
            .collect()
    }

    /// From the floor to the floor and the values, which is the next floor.
    fn band(&self, floor: &mut [f64], values: &[f64], top: f64) -> String {
        let below: Vec<f64> = floor.to_vec();
        for (floor, value) in floor.iter_mut().zip(values) {
            *floor += value;
        }
        let mut path = self.line(floor, top);
        for (time, value) in self.times.iter().zip(below).rev() {
            let _ = write!(path, "L{:.1} {:.1}", self.x(*time as f64), y(value, top));
        }
        path + "Z"
    }

    fn end(&self) -> f64 {
        self.times
            .last()
            .map_or(1.0, |time| (*time as f64).max(1.0))
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + seconds / self.end() * (WIDTH - LEFT - RIGHT)
    }
}

fn y(value: f64, top: f64) -> f64 {
    HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)
}

/// The least of 1, 2 and 5 times a power of ten that is not below `value`.
fn nice(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0].into_iter().map(|step| step * power);
    // Divisions that should be exact may be a little more.
    let mut fits = steps.filter(|step| step * (1.0 + 1e-9) >= value);
    fits.next().unwrap_or(10.0 * power)
}

/// Text that HTML takes as text.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, values: Vec<f64>) -> Series<'_> {
        Series {
            name,
            colour: 13,
            values,
        }
    }

    fn chart(stacked: bool) -> String {
        let series = vec![series("a<b", vec![1.0, 3.0]), series("c", vec![2.0, 1.0])];
        Chart {
            title: "T".into(),
            unit: "u",
            axis: Axis::Time,
            times: &[0, 60],
            series,
            stacked,
        }
        .svg()
    }

    /// The bottom is at 226, the top of the scale at 12.
    #[test]
    fn lines_go_through_their_points() {
        let svg = chart(false);
        let first = "style=\"--c:var(--c3)\" d=\"M64.0 154.7L748.0 12.0\"><title>a&lt;b</title>";
        assert!(svg.contains(first), "{svg}");
        assert!(
            svg.contains("d=\"M64.0 83.3L748.0 154.7\"><title>c</title>"),
            "{svg}"
        );
    }

    #[test]
    fn bands_stand_on_each_other() {
        let svg = chart(true);
        assert!(
            svg.contains("d=\"M64.0 172.5L748.0 65.5L748.0 226.0L64.0 226.0Z\""),
            "{svg}"
        );
        assert!(
            svg.contains("d=\"M64.0 65.5L748.0 12.0L748.0 65.5L64.0 172.5Z\""),
            "{svg}"
        );
    }

    #[test]
    fn scales_have_round_steps() {
        for (value, step) in [
            (0.9, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (3.0, 5.0),
            (6.0, 10.0),
            (0.03, 0.05),
            (200.0, 200.0),
        ] {
            assert!(
                (nice(value) / step - 1.0).abs() < 1e-9,
                "{value}: {}",
                nice(value)
            );
        }
    }

    #[test]
    fn nothing_at_all_is_drawn_as_zero() {
        let chart = Chart {
            title: String::new(),
            unit: "",
            axis: Axis::Named("step", 1.0, 2.0),
            times: &[60],
            series: vec![series("a", vec![0.0])],
            stacked: true,
        };
        assert!(!chart.svg().contains("NaN"));
    }
}
