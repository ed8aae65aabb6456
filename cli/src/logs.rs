//! Where services log, and how much.

use clap::Args;
use tracing_subscriber::filter::LevelFilter;

#[derive(Args)]
pub struct LogOptions {
    /// Log as JSON, one object a line.
    #[arg(long)]
    json_logs: bool,
    /// What is logged: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: LevelFilter,
}

impl LogOptions {
    /// Logs to standard error from now on.
    pub fn begin(&self) -> anyhow::Result<()> {
        let logs = tracing_subscriber::fmt()
            .with_max_level(self.log)
            .with_writer(std::io::stderr);
        let set = if self.json_logs {
            logs.json().try_init()
        } else {
            logs.try_init()
        };
        set.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
    }
}
