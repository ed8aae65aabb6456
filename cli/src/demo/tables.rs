//! The report as tables.

use super::{
    money::{exact, per_million, rounded, usdcx, wei},
    report::Report,
    table::Table,
};

impl Report {
    /// The tables that end the demo.
    pub fn tables(&self) -> Vec<Table> {
        vec![
            self.sink_table(),
            self.stake_table(),
            self.task_type_table(),
            self.settlement_table(),
            self.accounting_table(),
        ]
    }

    fn sink_table(&self) -> Table {
        let mut table = Table::new(
            "Sinks: capacity in generated tokens per second, paid in USDCx",
            &[
                "sink",
                "task type",
                "declared",
                "true",
                "smoothed",
                "done",
                "failed",
                "paid",
                "paid share",
                "work share",
                "capacity share",
            ],
        );
        for sink in &self.sinks {
            for service in &sink.services {
                table.row([
                    sink.name.to_owned(),
                    service.task_type.to_owned(),
                    format!("{:.1}", service.declared),
                    format!("{:.1}", service.speed),
                    format!("{:.1}", service.smoothed),
                    service.done.to_string(),
                    service.failed.to_string(),
                    exact(&service.paid),
                    percent(service.paid_share),
                    percent(service.work_share),
                    percent(service.capacity_share),
                ]);
            }
        }
        table
    }

    fn stake_table(&self) -> Table {
        let headers = ["sink", "is", "stake left", "slashes", "slashed"];
        let mut table = Table::new("Stakes in USDCx", &headers);
        for sink in &self.sinks {
            table.row([
                sink.name.to_owned(),
                words(sink.habit).to_owned(),
                rounded(&sink.stake, 2),
                sink.slashes.to_string(),
                rounded(&sink.slashed, 2),
            ]);
        }
        table
    }

    fn task_type_table(&self) -> Table {
        let headers = [
            "task type",
            "requests",
            "tokens",
            "done",
            "failed",
            "inflow",
            "to sinks",
            "fees",
            "escrowed",
            "drained",
            "in escrow",
            "reserved",
            "taken back",
            "base fee",
        ];
        let mut table = Table::new(
            "Task types: money in USDCx, base fee per million tokens",
            &headers,
        );
        for it in &self.task_types {
            let paid = wei(&it.streamed) + wei(&it.drained) + wei(&it.redeemed);
            table.row([
                it.name.to_owned(),
                it.requests.to_string(),
                it.tokens.to_string(),
                it.done.to_string(),
                it.failed.to_string(),
                rounded(&it.inflow, 6),
                usdcx(paid, 6),
                rounded(&it.fees, 6),
                rounded(&it.overflow, 6),
                rounded(&it.drained, 6),
                rounded(&it.escrow, 6),
                usdcx(wei(&it.reserved) + wei(&it.deposited), 6),
                rounded(&it.taken_back, 6),
                format!("{:.2}", per_million(wei(&it.base_fee))),
            ]);
        }
        table
    }

    /// What the liar gets, and what users notice of it, by what task types settle by.
    fn settlement_table(&self) -> Table {
        let headers = [
            "task type",
            "settles by",
            "failed",
            "of them refused",
            "failed share",
            "liar's pay",
            "liar's work",
            "signed items",
            "gas a task",
        ];
        let mut table = Table::new("Settlement: the liar's part of pay and of work", &headers);
        for it in &self.task_types {
            let liars = self.sinks.iter().filter(|sink| sink.habit == "overReports");
            let services = liars.flat_map(|sink| &sink.services);
            let services = services.filter(|service| service.task_type == it.name);
            let (pay, work) = services.fold((0.0, 0.0), |(pay, work), service| {
                (pay + service.paid_share, work + service.work_share)
            });
            table.row([
                it.name.to_owned(),
                it.settlement.to_owned(),
                it.failed.to_string(),
                it.unserved.to_string(),
                percent(it.failed as f64 / it.requests.max(1) as f64),
                percent(pay),
                percent(work),
                it.settlement_items.to_string(),
                (it.settlement_gas / it.done.max(1)).to_string(),
            ]);
        }
        table
    }

    fn accounting_table(&self) -> Table {
        let it = &self.accounting;
        let mut table = Table::new("Every token, in USDCx to the wei", &["what", "amount"]);
        let rows = [
            ("sources paid out", &it.spent),
            ("= paid to sinks", &it.to_sinks),
            ("+ protocol fee", &it.fees),
            ("+ waiting in EscrowBuffer", &it.escrow),
            ("+ left in WorkReserve", &it.reserve),
            ("+ dust in BackpressurePool", &it.backpressure_pool),
            ("+ unclaimed in Superfluid's pools", &it.superfluid_pools),
            ("stakes in StakeManager", &it.stakes),
            ("slashed, in the treasury", &it.slashed),
            ("all accounts together", &it.held),
            ("minted", &it.minted),
        ];
        for (what, amount) in rows {
            table.row([what.to_owned(), exact(amount)]);
        }
        table
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn words(habit: &str) -> &str {
    match habit {
        "overReports" => "over-reporting",
        "goesDown" => "going down half-way",
        "joinsLate" => "joining late",
        other => other,
    }
}
