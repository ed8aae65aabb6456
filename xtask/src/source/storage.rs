//! Storage layouts, computed as `#[storage]` of stylus-proc 0.9 computes them, faults included.
//!
//! Two computations of the macro disagree: where it *places* fields, and how many slots it *reports* to the struct
//! around it. Plain fields before a nested multi-slot field are placed but not reported, and the sibling after them
//! lands on their slot. [`Layout::overlaps`] finds every two fields that share a byte.

use super::{
    has_attr,
    types::{numbered, show, usize_literal},
    Item, ItemId, Model,
};

/// Where the fields of a struct are, those of nested structs included.
#[derive(Debug)]
pub struct Layout {
    pub fields: Vec<Field>,
    /// The slots that the macro reports.
    pub reported: usize,
    /// The slots that the fields take.
    pub taken: usize,
}

/// A field that holds a value, or the root of a mapping, vector or string.
#[derive(Debug, Clone)]
pub struct Field {
    pub path: String,
    pub slot: usize,
    /// The first byte within the slot, counted from the low end.
    pub offset: usize,
    pub bytes: usize,
}

impl Layout {
    /// Every two fields that share a byte.
    pub fn overlaps(&self) -> Vec<(&Field, &Field)> {
        let mut found = Vec::new();
        for (index, a) in self.fields.iter().enumerate() {
            for b in &self.fields[index + 1..] {
                let apart = a.slot != b.slot
                    || a.offset + a.bytes <= b.offset
                    || b.offset + b.bytes <= a.offset;
                if !apart {
                    found.push((a, b));
                }
            }
        }
        found
    }
}

/// What the SDK knows of a storage type.
struct Shape {
    /// `SLOT_BYTES`
    bytes: usize,
    /// `REQUIRED_SLOTS`
    slots: usize,
    /// The leaves, for a nested struct.
    inner: Option<Layout>,
}

/// All `#[storage]` structs of a crate.
pub fn structs<'a>(
    model: &'a Model,
    krate: &'a str,
) -> impl Iterator<Item = (ItemId, String)> + 'a {
    model.crate_modules(krate).flat_map(|module| {
        module
            .items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Item::Struct(item) if has_attr(&item.attrs, "storage") => Some((
                    ItemId {
                        module: module.path.clone(),
                        index,
                    },
                    item.ident.to_string(),
                )),
                _ => None,
            })
    })
}

/// The layout of a `#[storage]` struct.
pub fn layout(model: &Model, id: &ItemId) -> Result<Layout, String> {
    layout_within(model, id, 16)
}

fn layout_within(model: &Model, id: &ItemId, depth: usize) -> Result<Layout, String> {
    let Some(Item::Struct(item)) = model.item(id) else {
        return Err("not a struct".to_owned());
    };
    let below = depth
        .checked_sub(1)
        .ok_or_else(|| format!("{} contains itself", item.ident))?;
    let mut fields = Vec::new();
    let (mut slot, mut space) = (0, 32);
    let (mut reported, mut reported_space) = (0, 32);
    for field in &item.fields {
        let Some(name) = &field.ident else { continue };
        let shape = shape(model, &id.module, &field.ty, below)
            .map_err(|e| format!("{}.{name}: {e}", item.ident))?;

        // As `StorageField::init` places it …
        if space < shape.bytes {
            space = 32;
            slot += 1;
        }
        space -= shape.bytes;
        match shape.inner {
            Some(inner) => fields.extend(inner.fields.into_iter().map(|leaf| Field {
                path: format!("{name}.{}", leaf.path),
                slot: slot + leaf.slot,
                ..leaf
            })),
            None if shape.slots > 0 => fields.extend((0..shape.slots).map(|n| Field {
                path: format!("{name}[word {n}]"),
                slot: slot + n,
                offset: 0,
                bytes: 32,
            })),
            None => fields.push(Field {
                path: name.to_string(),
                slot,
                offset: space,
                bytes: shape.bytes,
            }),
        }
        if shape.slots > 0 {
            slot += shape.slots;
            space = 32;
        }

        // … and as `StorageField::size` counts it.
        if shape.slots > 0 {
            reported += shape.slots;
            reported_space = 32;
        } else {
            if reported_space < shape.bytes {
                reported_space = 32;
                reported += 1;
            }
            reported_space -= shape.bytes;
        }
    }
    if reported_space != 32 || reported == 0 {
        reported += 1;
    }
    let taken = fields.iter().map(|field| field.slot + 1).max().unwrap_or(1);
    Ok(Layout {
        fields,
        reported,
        taken,
    })
}

fn shape(model: &Model, module: &[String], ty: &syn::Type, depth: usize) -> Result<Shape, String> {
    let syn::Type::Path(path) = ty else {
        return Err(format!("`{}` is not a storage type", show(ty)));
    };
    for id in model.resolve_path(module, &path.path) {
        match model.item(&id) {
            Some(Item::Alias(alias)) => return shape(model, &id.module, &alias.ty, depth),
            Some(Item::Struct(item)) if has_attr(&item.attrs, "storage") => {
                let inner = layout_within(model, &id, depth)?;
                return Ok(Shape {
                    bytes: 32,
                    slots: inner.reported,
                    inner: Some(inner),
                });
            }
            _ => {}
        }
    }
    let last = path.path.segments.last().ok_or("an empty path")?;
    let name = last.ident.to_string();
    let arguments: Vec<_> = match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
        _ => Vec::new(),
    };
    let number = |index: usize| match arguments.get(index) {
        Some(syn::GenericArgument::Const(expr)) => usize_literal(expr),
        _ => None,
    };
    let plain = |bytes| {
        Ok(Shape {
            bytes,
            slots: 0,
            inner: None,
        })
    };
    let kind = name.strip_prefix("Storage").unwrap_or_default();
    match kind {
        "Address" => plain(20),
        "Bool" => plain(1),
        "BlockHash" | "Map" | "Vec" | "Bytes" | "String" => plain(32),
        "BlockNumber" => plain(8),
        "Uint" | "Signed" => plain(number(0).ok_or("bits are not a literal")? / 8),
        "FixedBytes" => plain(number(0).ok_or("length is not a literal")?),
        "Array" => {
            let Some(syn::GenericArgument::Type(element)) = arguments.first() else {
                return Err("an array of what?".to_owned());
            };
            let length = number(1).ok_or("an array's length is not a literal")?;
            let element = shape(model, module, element, depth)?;
            let density = (32 / element.bytes.max(1)).max(1);
            let slots = (length * element.slots).max(length.div_ceil(density));
            Ok(Shape {
                bytes: 32,
                slots,
                inner: None,
            })
        }
        "Guard" | "GuardMut" => Err(format!("`{name}` is no field's type")),
        _ => match numbered(kind) {
            Some(('U' | 'I' | 'B', bits)) => plain(bits / 8),
            _ => Err(format!("`{name}` is not a storage type that xtask knows")),
        },
    }
}
