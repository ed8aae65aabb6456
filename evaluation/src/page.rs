//! What pages of HTML are made of: their style, and tables.

use std::fmt::Write as _;

use crate::{chart::escape, table::Table};

/// Readable in light and in dark, without a network.
pub const STYLE: &str = "
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2530; --faint: #d9dee5; --soft: #5b6675;
  --c0: #4e79a7; --c1: #e07b1f; --c2: #d1495b; --c3: #2a9d8f; --c4: #59a14f; --c5: #c0992b; --c6: #9467bd; --c7: #d6708b;
  --c8: #8c6d5a; --c9: #6f7d8c; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e9ef; --faint: #333c47; --soft: #9aa6b4;
  --c0: #6fa3d8; --c1: #f29a4a; --c2: #ec6a7a; --c3: #4fc3b4; --c4: #7cc36f; --c5: #dcb94d; --c6: #b893dd; --c7: #f093ad;
  --c8: #b8957f; --c9: #97a6b6; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.unit, .soft { color: var(--soft); font-weight: normal; }
.good { color: var(--c4); font-weight: 600; } .bad { color: var(--c2); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--faint); fill: none; }
.line { stroke: var(--c); stroke-width: 2; fill: none; stroke-linejoin: round; }
.band { fill: var(--c); stroke: var(--paper); stroke-width: .5; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: 13px; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--faint); text-align: left; vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
";

/// A table under its title.
pub fn table_of(table: &Table) -> String {
    let mut html = format!(
        "<h2>{}</h2>\n<div class=\"table\"><table>\n",
        escape(&table.title)
    );
    let mut line = |cells: &[String], tag: &str| {
        html.push_str("<tr>");
        for (column, cell) in cells.iter().enumerate() {
            let class = match table.is_numeric(column) {
                true => " class=\"number\"",
                false => "",
            };
            let _ = write!(html, "<{tag}{class}>{}</{tag}>", escape(cell));
        }
        html.push_str("</tr>\n");
    };
    line(&table.headers, "th");
    for row in &table.rows {
        line(row, "td");
    }
    html.push_str("</table></div>\n");
    html
}
