//! Solidity items, as `sol!` and `sol_interface!` declare them.

use super::doc;
use syn_solidity::{Item as Syntax, SolIdent, Type};

/// A Solidity item.
#[derive(Debug, Clone)]
pub struct SolItem {
    pub name: String,
    pub doc: Vec<String>,
    /// The traits that it derives, by their last name.
    pub derives: Vec<String>,
    pub kind: SolKind,
}

/// What a Solidity item is.
#[derive(Debug, Clone)]
pub enum SolKind {
    Event {
        fields: Vec<Field>,
        anonymous: bool,
    },
    Error(Vec<Field>),
    Struct(Vec<Field>),
    Enum,
    /// `type Name is Type`
    Named(Type),
    Interface(Vec<Signature>),
}

/// A parameter or member.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    /// Of an event only.
    pub indexed: bool,
}

/// What it takes to call a function.
#[derive(Debug, Clone)]
pub struct Signature {
    pub name: String,
    pub inputs: Vec<Type>,
}

/// Parses what stands between the braces of `sol!`.
pub fn parse(tokens: proc_macro2::TokenStream) -> syn::Result<Vec<SolItem>> {
    let file: syn_solidity::File = syn::parse2(tokens)?;
    Ok(file.items.into_iter().filter_map(item).collect())
}

fn item(syntax: Syntax) -> Option<SolItem> {
    let (name, attrs, kind) = match syntax {
        Syntax::Event(item) => {
            let fields = item.parameters.iter().map(|p| Field {
                name: text(p.name.as_ref()),
                ty: p.ty.clone(),
                indexed: p.indexed.is_some(),
            });
            let fields = fields.collect();
            (
                item.name,
                item.attrs,
                SolKind::Event {
                    fields,
                    anonymous: item.anonymous.is_some(),
                },
            )
        }
        Syntax::Error(item) => (
            item.name,
            item.attrs,
            SolKind::Error(members(item.parameters.iter())),
        ),
        Syntax::Struct(item) => (
            item.name,
            item.attrs,
            SolKind::Struct(members(item.fields.iter())),
        ),
        Syntax::Enum(item) => (item.name, item.attrs, SolKind::Enum),
        Syntax::Udt(item) => (item.name, item.attrs, SolKind::Named(item.ty)),
        Syntax::Contract(item) => {
            let functions = item.body.into_iter().filter_map(|item| match item {
                Syntax::Function(f) => Some(Signature {
                    name: f.name?.as_string(),
                    inputs: f.parameters.types().cloned().collect(),
                }),
                _ => None,
            });
            (
                item.name,
                item.attrs,
                SolKind::Interface(functions.collect()),
            )
        }
        _ => return None,
    };
    Some(SolItem {
        name: name.as_string(),
        doc: doc(&attrs),
        derives: attrs.iter().flat_map(derives).collect(),
        kind,
    })
}

fn derives(attr: &syn::Attribute) -> Vec<String> {
    let mut derives = Vec::new();
    if attr.path().is_ident("derive") {
        // What does not parse the compiler refuses.
        let _ = attr.parse_nested_meta(|meta| {
            derives.extend(meta.path.segments.last().map(|name| name.ident.to_string()));
            Ok(())
        });
    }
    derives
}

fn members<'a>(fields: impl Iterator<Item = &'a syn_solidity::VariableDeclaration>) -> Vec<Field> {
    fields
        .map(|field| Field {
            name: text(field.name.as_ref()),
            ty: field.ty.clone(),
            indexed: false,
        })
        .collect()
}

fn text(name: Option<&SolIdent>) -> String {
    name.map(SolIdent::as_string).unwrap_or_default()
}
