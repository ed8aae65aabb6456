//! From files to a [`Model`].

use super::{is_test, sol, Import, Item, Model, Module, ModulePath};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Loads the crates of these names from their `lib.rs`.
pub fn load<'a>(crates: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<Model> {
    let mut model = Model::default();
    for (name, lib) in crates {
        model.crates.push(name.to_owned());
        let dir = lib.parent().unwrap_or(Path::new("."));
        load_file(&mut model, vec![name.to_owned()], lib, dir)?;
    }
    Ok(model)
}

/// A crate of one file, from its text: for tests.
pub fn load_text<'a>(crates: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Model> {
    let mut model = Model::default();
    for (name, text) in crates {
        model.crates.push(name.to_owned());
        let file = Path::new("lib.rs");
        let syntax = syn::parse_file(text).map_err(|e| syntax_error(file, &e))?;
        load_items(
            &mut model,
            vec![name.to_owned()],
            syntax.items,
            file,
            Path::new("."),
        )?;
    }
    Ok(model)
}

fn load_file(model: &mut Model, path: ModulePath, file: &Path, dir: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).map_err(Error::io(file))?;
    let syntax = syn::parse_file(&text).map_err(|e| syntax_error(file, &e))?;
    load_items(model, path, syntax.items, file, dir)
}

fn load_items(
    model: &mut Model,
    path: ModulePath,
    items: Vec<syn::Item>,
    file: &Path,
    dir: &Path,
) -> Result<()> {
    let mut module = Module {
        path: path.clone(),
        file: file.to_path_buf(),
        items: Vec::new(),
        impls: Vec::new(),
        imports: Vec::new(),
    };
    for item in items {
        match item {
            syn::Item::Mod(item) if !is_test(&item.attrs) => {
                let name = item.ident.to_string();
                let child: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
                let child_dir = dir.join(&name);
                match item.content {
                    Some((_, items)) => load_items(model, child, items, file, &child_dir)?,
                    None => load_file(model, child, &module_file(dir, &name), &child_dir)?,
                }
            }
            syn::Item::Impl(item) if !is_test(&item.attrs) => module.impls.push(item),
            syn::Item::Use(item) if !is_test(&item.attrs) => {
                flatten(&item.tree, &mut Vec::new(), &mut module.imports);
            }
            syn::Item::Macro(item) if is_test(&item.attrs) => {}
            syn::Item::Macro(item) if is_solidity(&item.mac.path) => {
                let items = sol::parse(item.mac.tokens).map_err(|e| syntax_error(file, &e))?;
                module.items.extend(items.into_iter().map(Item::Sol));
            }
            syn::Item::Macro(item) => {
                if let Some(name) = item.ident {
                    module
                        .items
                        .push(Item::Macro(name.to_string(), item.mac.tokens));
                }
            }
            syn::Item::Struct(item) if !is_test(&item.attrs) => {
                module.items.push(Item::Struct(item))
            }
            syn::Item::Enum(item) => module.items.push(Item::Enum(item)),
            syn::Item::Fn(item) if !is_test(&item.attrs) => module.items.push(Item::Fn(item)),
            syn::Item::Type(item) => module.items.push(Item::Alias(item)),
            syn::Item::Trait(item) => module.items.push(Item::Trait(item)),
            syn::Item::Const(item) => module.items.push(Item::Const(item)),
            _ => {}
        }
    }
    model.modules.insert(path, module);
    Ok(())
}

fn is_solidity(path: &syn::Path) -> bool {
    path.segments
        .last()
        .is_some_and(|last| last.ident == "sol" || last.ident == "sol_interface")
}

fn module_file(dir: &Path, name: &str) -> PathBuf {
    let file = dir.join(format!("{name}.rs"));
    if file.is_file() {
        file
    } else {
        dir.join(name).join("mod.rs")
    }
}

fn flatten(tree: &syn::UseTree, prefix: &mut Vec<String>, imports: &mut Vec<Import>) {
    match tree {
        syn::UseTree::Path(tree) => {
            prefix.push(tree.ident.to_string());
            flatten(&tree.tree, prefix, imports);
            prefix.pop();
        }
        syn::UseTree::Name(tree) => {
            let mut path = prefix.clone();
            let mut name = tree.ident.to_string();
            if name == "self" {
                name = prefix.last().cloned().unwrap_or_default();
            } else {
                path.push(name.clone());
            }
            imports.push(Import {
                name: Some(name),
                path,
            });
        }
        syn::UseTree::Rename(tree) => {
            let path = prefix
                .iter()
                .cloned()
                .chain([tree.ident.to_string()])
                .collect();
            imports.push(Import {
                name: Some(tree.rename.to_string()),
                path,
            });
        }
        syn::UseTree::Glob(_) => imports.push(Import {
            name: None,
            path: prefix.clone(),
        }),
        syn::UseTree::Group(tree) => {
            for tree in &tree.items {
                flatten(tree, prefix, imports);
            }
        }
    }
}

fn syntax_error(file: &Path, error: &syn::Error) -> Error {
    let start = error.span().start();
    Error::Syntax {
        path: file.to_path_buf(),
        message: format!("line {}: {error}", start.line),
    }
}
