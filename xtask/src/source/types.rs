//! What a Rust or Solidity type is in the ABI.

use super::{sol::SolKind, Item, Model};

/// A type of the ABI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ty {
    /// An elementary type, by its canonical name.
    Elementary(String),
    Array(Box<Ty>, Option<usize>),
    /// A struct: its name and members.
    Struct(String, Vec<(String, Ty)>),
    /// A tuple, which only results can be.
    Tuple(Vec<Ty>),
}

impl Ty {
    fn elementary(name: impl Into<String>) -> Self {
        Self::Elementary(name.into())
    }

    /// Whether its encoding has no fixed size.
    pub fn is_dynamic(&self) -> bool {
        match self {
            Self::Elementary(name) => name == "bytes" || name == "string",
            Self::Array(_, None) => true,
            Self::Array(inner, Some(_)) => inner.is_dynamic(),
            Self::Struct(_, members) => members.iter().any(|(_, ty)| ty.is_dynamic()),
            Self::Tuple(members) => members.iter().any(Self::is_dynamic),
        }
    }

    /// The name that selectors are computed from.
    pub fn canonical(&self) -> String {
        match self {
            Self::Elementary(name) => name.clone(),
            Self::Array(inner, size) => format!("{}{}", inner.canonical(), brackets(*size)),
            Self::Struct(_, members) => tuple(members.iter().map(|(_, ty)| ty.canonical())),
            Self::Tuple(members) => tuple(members.iter().map(Self::canonical)),
        }
    }

    /// The name in Solidity's source.
    pub fn solidity(&self) -> String {
        match self {
            Self::Elementary(name) => name.clone(),
            Self::Array(inner, size) => format!("{}{}", inner.solidity(), brackets(*size)),
            Self::Struct(name, _) => name.clone(),
            Self::Tuple(members) => tuple(members.iter().map(Self::solidity)),
        }
    }

    /// Whether Solidity wants a data location with it.
    pub fn needs_location(&self) -> bool {
        !matches!(self, Self::Elementary(name) if name != "bytes" && name != "string")
    }
}

/// `[]` or `[3]`.
pub fn brackets(size: Option<usize>) -> String {
    size.map_or_else(|| "[]".to_owned(), |n| format!("[{n}]"))
}

fn tuple(members: impl Iterator<Item = String>) -> String {
    format!("({})", members.collect::<Vec<_>>().join(","))
}

/// The ABI type of a Rust type that stands in `module`.
pub fn of_rust(model: &Model, module: &[String], ty: &syn::Type) -> Result<Ty, String> {
    match ty {
        syn::Type::Paren(ty) => of_rust(model, module, &ty.elem),
        syn::Type::Group(ty) => of_rust(model, module, &ty.elem),
        syn::Type::Tuple(ty) => ty
            .elems
            .iter()
            .map(|ty| of_rust(model, module, ty))
            .collect::<Result<_, _>>()
            .map(Ty::Tuple),
        syn::Type::Array(ty) => {
            let size = usize_literal(&ty.len).ok_or("an array's length is not a literal")?;
            Ok(Ty::Array(
                Box::new(of_rust(model, module, &ty.elem)?),
                Some(size),
            ))
        }
        syn::Type::Path(ty) => of_path(model, module, &ty.path),
        other => Err(format!("`{}` is not a type of the ABI", show(other))),
    }
}

fn of_path(model: &Model, module: &[String], path: &syn::Path) -> Result<Ty, String> {
    let last = path.segments.last().ok_or("an empty path")?;
    let name = last.ident.to_string();
    for id in model.resolve_path(module, path) {
        match model.item(&id) {
            Some(Item::Alias(alias)) => return of_rust(model, &id.module, &alias.ty),
            Some(Item::Sol(item)) => return of_sol_item(model, &id.module, &item.name, &item.kind),
            Some(Item::Struct(_)) if name == "Returns" || name == "Encoded" => {}
            Some(Item::Struct(_) | Item::Enum(_)) => {
                return Err(format!("`{name}` is a Rust type, not one of sol!"));
            }
            _ => {}
        }
    }
    let generics: Vec<_> = match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
        _ => Vec::new(),
    };
    let bits = || match generics.first() {
        Some(syn::GenericArgument::Const(expr)) => usize_literal(expr),
        _ => None,
    };
    let ty = match (name.as_str(), generics.first()) {
        ("bool" | "Address", _) => Ty::elementary(name.to_lowercase()),
        ("String", _) => Ty::elementary("string"),
        ("Bytes", _) => Ty::elementary("bytes"),
        ("Vec", Some(syn::GenericArgument::Type(inner))) => {
            Ty::Array(Box::new(of_rust(model, module, inner)?), None)
        }
        ("Returns" | "Encoded", Some(syn::GenericArgument::Type(inner))) => {
            of_rust(model, module, inner)?
        }
        ("Uint", _) => Ty::elementary(format!("uint{}", bits().ok_or("Uint<…> of no literal")?)),
        ("Signed", _) => Ty::elementary(format!("int{}", bits().ok_or("Signed<…> of no literal")?)),
        ("FixedBytes", _) => Ty::elementary(format!(
            "bytes{}",
            bits().ok_or("FixedBytes<…> of no literal")?
        )),
        _ => match numbered(&name) {
            Some(('u' | 'U', bits)) => Ty::elementary(format!("uint{bits}")),
            Some(('i' | 'I', bits)) => Ty::elementary(format!("int{bits}")),
            Some(('B', bits)) if bits % 8 == 0 => Ty::elementary(format!("bytes{}", bits / 8)),
            _ => {
                return Err(format!(
                    "`{name}` is not a type of the ABI that xtask knows"
                ))
            }
        },
    };
    Ok(ty)
}

/// The ABI type of a Solidity type that stands in a `sol!` of `module`.
pub fn of_sol(model: &Model, module: &[String], ty: &syn_solidity::Type) -> Result<Ty, String> {
    use syn_solidity::Type;
    Ok(match ty {
        Type::Address(..) => Ty::elementary("address"),
        Type::Array(array) => Ty::Array(Box::new(of_sol(model, module, &array.ty)?), array.size()),
        Type::Tuple(tuple) => Ty::Tuple(
            tuple
                .types
                .iter()
                .map(|ty| of_sol(model, module, ty))
                .collect::<Result<_, _>>()?,
        ),
        Type::Uint(_, size) => Ty::elementary(format!("uint{}", size.map_or(256, |n| n.get()))),
        Type::Int(_, size) => Ty::elementary(format!("int{}", size.map_or(256, |n| n.get()))),
        Type::Bool(_) | Type::String(_) | Type::Bytes(_) | Type::FixedBytes(..) => {
            Ty::elementary(ty.to_string())
        }
        Type::Custom(path) => {
            let segments: Vec<_> = path.iter().map(|ident| ident.as_string()).collect();
            let found = model.resolve(module, &segments);
            let item = found.iter().find_map(|id| match model.item(id) {
                Some(Item::Sol(item)) => Some((id, item)),
                _ => None,
            });
            let (id, item) =
                item.ok_or_else(|| format!("nothing declares `{}`", segments.join(".")))?;
            return of_sol_item(model, &id.module, &item.name, &item.kind);
        }
        Type::Function(_) | Type::Mapping(_) => {
            return Err(format!("`{ty}` is not a type of the ABI"))
        }
    })
}

fn of_sol_item(model: &Model, module: &[String], name: &str, kind: &SolKind) -> Result<Ty, String> {
    match kind {
        SolKind::Struct(fields) => {
            let members = fields
                .iter()
                .map(|field| Ok((field.name.clone(), of_sol(model, module, &field.ty)?)))
                .collect::<Result<_, String>>()?;
            Ok(Ty::Struct(name.to_owned(), members))
        }
        SolKind::Enum => Ok(Ty::elementary("uint8")),
        SolKind::Named(ty) => of_sol(model, module, ty),
        _ => Err(format!("`{name}` is not a type")),
    }
}

/// `U256` is `('U', 256)`.
pub fn numbered(name: &str) -> Option<(char, usize)> {
    let mut chars = name.chars();
    let letter = chars.next()?;
    Some((letter, chars.as_str().parse().ok()?))
}

/// The value of an integer literal, in braces or not.
pub fn usize_literal(expr: &syn::Expr) -> Option<usize> {
    match expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(n),
            ..
        }) => n.base10_parse().ok(),
        syn::Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(expr, None)] => usize_literal(expr),
            _ => None,
        },
        _ => None,
    }
}

/// Tokens as text, for messages.
pub fn show(tokens: &impl quote::ToTokens) -> String {
    tokens.to_token_stream().to_string()
}
