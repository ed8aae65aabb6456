//! Puts the chart library of the page into the binary, if it is there: `scripts/fetch-tools` installs it, pinned, into
//! `.tools/`. Without it everything else works, and the page says that its charts are missing.

use std::{env, fs, path::PathBuf};

const FILES: [(&str, &str); 2] = [
    ("uPlot.iife.min.js", "charts.js"),
    ("uPlot.min.css", "charts.css"),
];

fn main() {
    println!("cargo:rerun-if-env-changed=BPE_CHARTS");
    let folder = env::var_os("BPE_CHARTS").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../.tools/node_modules/uplot/dist"
            ))
        },
        PathBuf::from,
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    for (source, target) in FILES {
        let path = folder.join(source);
        println!("cargo:rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.is_empty() {
            println!("cargo:warning=the keeper's page will have no charts: {source} is not there; scripts/fetch-tools installs it");
        }
        fs::write(out.join(target), text).expect("OUT_DIR can be written");
    }
}
