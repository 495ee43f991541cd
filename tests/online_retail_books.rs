//! The real invoices, before any processor sees them: read exactly, and balanced by two accounts
//! that know nothing of each other (the arithmetic over the invoices, and the reference model,
//! which reads the commands). Skipped with a message where the sample is missing.

#[path = "support/online_retail.rs"]
mod online_retail;

use online_retail::{Error, Invoices, Stocked};
use orderly_demo::{Expected, Message, Settings, Step, Tally};

fn sample() -> Option<Invoices> {
    let Some(path) = online_retail::sample() else {
        eprintln!("skipped: no sample of the data set is at hand (ORDERLY_TEST_ONLINE_RETAIL_CSV)");
        return None;
    };
    Some(online_retail::open(&path).expect("the sample is readable"))
}

fn tally_of(commands: &[Message]) -> Tally {
    let mut expected = Expected::new(Settings::default());
    for command in commands {
        expected.take(&Step::Send(command.clone()));
    }
    expected.finish()
}

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn read(rows: &str) -> Result<Invoices, Error> {
    online_retail::read(format!("{HEADER}{rows}").as_bytes())
}

#[test]
fn amounts_of_invoices_are_read_exactly() {
    let rows = "\
        1,A,\"LAMP, \"\"OLD\"\"\",6,2010-12-01 08:26:00,2.5,17850.0,United Kingdom\n\
        1,BANK CHARGES,FEE,1,2010-12-01 08:26:00,0.07,17850.0,United Kingdom\n\
        2,A,LOST,-3,2010-12-01 08:30:00,0.0,0.0,United Kingdom\n\
        3,PADS,PADS,1,2010-12-01 08:31:00,0.001,1.0,United Kingdom\n\
        C4,A,LAMP,-2,2010-12-01 08:32:00,2.50,17850.0,United Kingdom\n";

    let invoices = read(rows).unwrap();

    let [sale, loss, cancelled] = invoices.all.as_slice() else {
        panic!("three invoices can be commands: {:?}", invoices.all);
    };
    assert_eq!((sale.total(), sale.customer.as_str()), (1_507, "17850"));
    assert_eq!(sale.sold[1].sku, "BANK-CHARGES");
    assert_eq!((loss.sold.len(), loss.lost[0].quantity), (0, 3));
    assert_eq!((cancelled.total(), cancelled.is_cancelled), (500, true));
    assert_eq!(invoices.left_out, [("3".to_owned(), "PADS".to_owned())]);
}

#[test]
fn an_amount_that_is_not_a_number_is_an_error_that_names_the_invoice() {
    let quantity = read("7,A,X,six,2010-12-01 08:26:00,2.5,1.0,UK\n").unwrap_err();
    let price = read("8,A,X,6,2010-12-01 08:26:00,-2.5,1.0,UK\n").unwrap_err();

    assert_eq!(quantity.to_string(), "invoice 7: quantity \"six\" is no whole number");
    assert_eq!(price.to_string(), "invoice 8: price \"-2.5\" is no amount of pounds");
}

#[test]
fn two_accounts_of_the_real_invoices_agree() {
    let Some(invoices) = sample() else { return };
    for (stocked, seed) in [(Stocked::Fully, 1), (Stocked::Fully, 2), (Stocked::Shortly, 1)] {
        // Given the invoices as commands
        let replay = online_retail::replay(&invoices.all, stocked, seed);

        // When the model has processed them
        let tally = tally_of(&replay.commands);

        // Then its results are those of the arithmetic
        let orders: Vec<_> = tally
            .orders
            .iter()
            .map(|(id, account)| (id.as_str(), (account.status.name(), account.paid)))
            .collect();
        let expected: Vec<_> =
            replay.expected.orders.iter().map(|(id, entry)| (id.as_str(), *entry)).collect();
        assert_eq!(orders, expected, "{stocked:?}, seed {seed}");
        assert_eq!(tally.paid(), replay.expected.paid());
        assert!(tally.stock.values().all(|stock| stock.held == 0));
        let on_hand: Vec<_> =
            tally.stock.iter().map(|(sku, stock)| (sku.clone(), stock.on_hand)).collect();
        assert_eq!(on_hand, replay.expected.stock.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn the_replay_has_the_proportions_of_the_sample() {
    let Some(invoices) = sample() else { return };
    let full = online_retail::replay(&invoices.all, Stocked::Fully, 1);
    let short = online_retail::replay(&invoices.all, Stocked::Shortly, 1);

    assert_eq!(invoices.left_out, [("550193".to_owned(), "PADS".to_owned())]);
    assert_eq!(full.expected.orders[online_retail::GIANT], ("cancelled", 0));
    assert_eq!(full.expected.orders["A563185"], ("paid", 1_106_206));
    let longest = invoices.all.iter().map(|invoice| invoice.sold.len()).max();
    assert_eq!(longest, Some(265));
    let refused = |replay: &online_retail::Replay| {
        replay.expected.orders.values().filter(|(status, _)| *status == "rejected").count()
    };
    assert_eq!(refused(&full), 0);
    assert!(refused(&short) > 50);
    let verdicts = tally_of(&full.commands).verdicts;
    let named = |name: &str| {
        verdicts
            .iter()
            .filter(|(verdict, _)| verdict.verdict.name() == name)
            .map(|(_, n)| n)
            .sum::<u64>()
    };
    assert!(named("duplicate") > 100 && named("waiting") > 100, "{verdicts:?}");
}
