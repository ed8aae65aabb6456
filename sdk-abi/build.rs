//! Lists the generated ABIs, so that programs carry all of them.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("abi");
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(&folder).expect("the generated ABIs are there");
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let path = entry.expect("the folder can be read").path();
            (path.extension()? == "json").then(|| path.file_stem()?.to_str().map(str::to_owned))?
        })
        .collect();
    names.sort();
    let mut list = String::from("&[\n");
    for name in names {
        let path = folder.join(&name).with_extension("json");
        writeln!(
            list,
            "    ({name:?}, include_str!({:?})),",
            path.display().to_string()
        )
        .expect("a string takes all");
    }
    list.push(']');
    let out = env::var_os("OUT_DIR").expect("Cargo says where");
    fs::write(Path::new(&out).join("abis.rs"), list).expect("the list can be written");
}
