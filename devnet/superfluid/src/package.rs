//! Which of Superfluid's compiled contracts are used: what `package.txt` pins.

/// Read by scripts/fetch-superfluid too.
const PINNED: &str = include_str!("../package.txt");

/// A pinned npm package, and what is taken out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    /// In hex, as npm publishes it.
    pub sha1: &'static str,
    /// In hex.
    pub sha256: &'static str,
    /// Paths within the package; their last parts are the files' names.
    pub artifacts: Vec<&'static str>,
}

impl Package {
    /// The one that is used.
    pub fn pinned() -> Self {
        let values = |key: &'static str| {
            PINNED
                .lines()
                .filter_map(move |line| line.strip_prefix(key)?.strip_prefix(' '))
        };
        let value = |key| values(key).next().unwrap_or_default();
        Self {
            name: value("package"),
            version: value("version"),
            sha1: value("sha1"),
            sha256: value("sha256"),
            artifacts: values("artifact").collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VERSION;

    #[test]
    fn everything_is_pinned() {
        let package = Package::pinned();
        assert!(package.name.starts_with('@') && package.name.contains('/'));
        assert_eq!(package.version, VERSION);
        assert_eq!((package.sha1.len(), package.sha256.len()), (40, 64));
        assert!(package.artifacts.len() > 20);
        for artifact in &package.artifacts {
            assert!(
                artifact.ends_with(".json") && !artifact.contains(".."),
                "{artifact}"
            );
        }
    }
}
