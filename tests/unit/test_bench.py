"""The benchmark's statistics and shapes. Never its timing."""

from __future__ import annotations

import asyncio
import json
import math

import pytest

from bench import figures, messages, plain, report
from bench.client import Answer
from bench.commits import commits, open_table
from bench.figures import Cell, Spread, complaints, percentile, ratio, ratios, spread, table, verdicts
from bench.load import Order, run
from bench.visits import GyeotVisitor, ParseVisitor, RestVisitor


def cell(server="gyeot", concurrency=32, round=1, **changed):
    values = {
        "answered": 100,
        "failed": 0,
        "rate": 100.0,
        "p50": 5.0,
        "p99": 20.0,
        "cpu": 4.0,
        "memory": 200.0,
    }
    return Cell(server=server, concurrency=concurrency, round=round, **{**values, **changed})


def both(rounds):
    """Gyeot and plain Rasa, one pair of rates for each round."""
    cells = []
    for number, (ours, theirs) in enumerate(rounds, start=1):
        cells += [cell(round=number, rate=ours), cell("rasa-same", round=number, rate=theirs)]
    return cells


# -- figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.99, 7.0),
        (list(range(1, 101)), 0.5, 50),
        (list(range(1, 101)), 0.99, 99),
        (list(range(1, 101)), 1.0, 100),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values, share, expected):
    assert percentile(values, share) == expected


def test_a_percentile_of_nothing_is_no_number():
    assert math.isnan(percentile([], 0.5))


def test_a_spread_has_the_median_and_both_ends():
    assert spread([3.0, 9.0, 1.0]) == Spread(3.0, 1.0, 9.0)
    with pytest.raises(ValueError, match="no figures"):
        spread([])


def test_a_table_keeps_servers_and_concurrencies_apart():
    cells = [
        cell(rate=1.0),
        cell(round=2, rate=3.0),
        cell(concurrency=8, rate=7.0),
        cell("thin-parse", rate=9.0),
    ]
    found = table(cells)
    assert found["gyeot"][32]["rate"] == Spread(2.0, 1.0, 3.0)
    assert found["gyeot"][8]["rate"].median == 7.0
    assert found["thin-parse"][32]["rate"].median == 9.0


def test_a_ratio_is_taken_round_by_round():
    # The second round was slow for both: medians of the rates would give 100/50, the rounds say 4, 2, 2.
    cells = both([(400.0, 100.0), (20.0, 10.0), (100.0, 50.0)])
    assert ratio(cells, "gyeot", "rasa-same", "rate", 32) == Spread(2.0, 2.0, 4.0)


def test_a_ratio_leaves_out_rounds_that_only_one_took_part_in():
    cells = [*both([(400.0, 100.0)]), cell(round=2, rate=1.0)]
    assert ratio(cells, "gyeot", "rasa-same", "rate", 32) == Spread(4.0, 4.0, 4.0)


def test_the_ratios_that_the_aim_speaks_of():
    cells = [
        cell(rate=300.0, p99=50.0, cpu=6.0),
        cell("rasa-same", rate=100.0, p99=200.0, cpu=12.0),
        cell("rasa-parse", cpu=5.0),
        cell("thin-parse", cpu=4.0),
    ]
    found = ratios(cells)
    assert found["throughput_vs_rasa_c32"] == 3.0
    assert found["p99_vs_rasa_c32"] == 0.25
    assert found["cpu_vs_parse"] == 1.2
    assert found["cpu_vs_thin_parse"] == 1.5
    assert found["cpu_vs_rasa_c32"] == 0.5
    assert "throughput_vs_diet_c32" not in found
    assert verdicts(found) == {"throughput_vs_rasa_c32": True, "p99_vs_rasa_c32": True, "cpu_vs_parse": True}


def test_an_aim_that_was_missed_is_said_to_be_missed():
    found = {"throughput_vs_rasa_c32": 1.99, "p99_vs_rasa_c32": 0.51, "cpu_vs_parse": 1.31}
    assert set(verdicts(found).values()) == {False}


def test_unanswered_messages_and_answers_without_the_model_are_told():
    lost = cell(answered=90, failed=10)
    alone = cell("gyeot", 8, notes={"answered without the model": 5})
    assert complaints([cell()]) == []
    assert complaints([lost]) == ["gyeot at 32, round 1: 10 of 100 messages were not answered"]
    assert complaints([alone]) == ["gyeot at 8, round 1: 5 of 100 were answered by the rules alone"]


# -- messages -----------------------------------------------------------------------------------------------


def test_the_choice_is_fixed_mixed_and_not_trained_on():
    chosen = messages.chosen()
    assert chosen == messages.chosen()
    assert len({message.text for message in chosen}) == messages.COUNT
    assert not {messages.plainly(message.text) for message in chosen} & messages.trained_texts()
    found = messages.shares(chosen)
    assert set(found["risk"]) == {"imminent", "high", "medium", "low"}
    assert min(found["risk"].values()) >= 20
    assert set(found["lang"]) == {"ko", "en"}


def test_training_examples_are_recognised_in_any_spelling():
    trained = messages.trained_texts()
    assert len(trained) > 1000
    one = min(trained)
    assert messages.plainly(f" {one} ") in trained


def test_too_few_messages_are_an_error(tmp_path):
    source = tmp_path / "few.jsonl"
    source.write_text('{"text": "a message nobody trained on", "lang": "en", "risk": "low"}\n', "utf-8")
    with pytest.raises(ValueError, match=r"few\.jsonl has 1 lines"):
        messages.chosen(2, source)


# -- the load and its visitors ------------------------------------------------------------------------------


class Scripted:
    """A wire that answers as it is told and keeps what it was asked."""

    def __init__(self, *bodies, status=200, cookie=""):
        self.bodies = list(bodies)
        self.status = status
        self.cookie = cookie
        self.asked = []

    async def ask(self, method, path, body=b"", headers=""):
        self.asked.append((method, path, json.loads(body) if body else None, headers))
        answer = Answer()
        answer.status, answer.cookie = self.status, self.cookie
        answer.body = json.dumps(self.bodies.pop(0)).encode()
        return answer


def entry(seq, who="bot", texts=("괜찮아요",)):
    return {"seq": seq, "who": who, "texts": list(texts), "quick": []}


async def test_a_visitor_keeps_the_cookie_and_acknowledges_what_was_shown():
    wire = Scripted(
        {"entries": [entry(2)], "seq": 1}, {"entries": [entry(4)], "seq": 3}, cookie="gyeot=secret"
    )
    visitor = GyeotVisitor(wire)
    assert await visitor.say("안녕하세요", "ko")
    assert await visitor.say("네", "ko")
    (_, _, first, first_headers), (_, _, second, second_headers) = wire.asked
    assert (first["seen"], second["seen"]) == (0, 2)
    assert "cookie" not in first_headers
    assert "cookie: gyeot=secret" in second_headers


async def test_a_new_visitor_has_neither_cookie_nor_past():
    wire = Scripted(
        {"entries": [entry(2)], "seq": 1}, {"entries": [entry(2)], "seq": 1}, cookie="gyeot=secret"
    )
    visitor = GyeotVisitor(wire)
    await visitor.say("안녕하세요", "ko")
    visitor.begin()
    await visitor.say("안녕하세요", "ko")
    assert wire.asked[1][2]["seen"] == 0
    assert "cookie" not in wire.asked[1][3]


async def test_an_answer_that_is_not_in_the_response_is_looked_for_in_the_thread(monkeypatch):
    monkeypatch.setattr("bench.visits.LOOK_AGAIN", 0)
    own = entry(1, "visitor")
    wire = Scripted({"entries": [], "seq": 1}, {"entries": [own]}, {"entries": [own, entry(2)]})
    visitor = GyeotVisitor(wire)
    assert await visitor.say("안녕하세요", "ko")
    assert [asked[1] for asked in wire.asked] == [
        "/api/messages",
        "/api/thread?after=1",
        "/api/thread?after=1",
    ]
    assert visitor.notes == {"answer not in the response": 1}


async def test_a_refused_message_is_not_an_answer():
    visitor = GyeotVisitor(Scripted({"error": "busy"}, status=503))
    assert not await visitor.say("안녕하세요", "ko")
    assert visitor.notes == {"status 503": 1}


@pytest.mark.parametrize(
    ("body", "answered"), [([{"text": "네"}], True), ([], False), ([{"image": "x"}], False)]
)
async def test_rasa_has_answered_when_a_text_came_back(body, answered):
    assert await RestVisitor(Scripted(body)).say("안녕하세요", "ko") is answered


async def test_a_parse_notes_which_reader_read():
    visitor = ParseVisitor(Scripted({"intent": {"name": "greet"}, "reader": "cascade", "hurried": True}))
    assert await visitor.say("안녕하세요", "ko")
    assert visitor.notes == {"second reader asked": 1, "hurried": 1}


async def answer_anything(reader, writer):
    while await reader.readline():
        size = 0
        while (line := await reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        await reader.readexactly(size)
        body = b'[{"text": "ok"}]'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    writer.close()


async def test_the_load_sends_exactly_what_was_ordered():
    server = await asyncio.start_server(answer_anything, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outcome = await run(Order("rest", port, 3, 20, 10.0, 4, [("안녕하세요", "ko"), ("hello", "en")]))
    server.close()
    await server.wait_closed()
    assert (len(outcome.latencies), outcome.failed) == (20, 0)
    assert outcome.notes == {}


async def test_a_server_that_is_gone_is_failures_and_no_crash():
    server = await asyncio.start_server(answer_anything, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    outcome = await run(Order("rest", port, 2, 6, 10.0, 4, [("안녕하세요", "ko")]))
    assert (len(outcome.latencies), outcome.failed) == (0, 6)
    assert outcome.notes == {"ConnectionRefusedError": 6}


# -- floors, plain Rasa, report -----------------------------------------------------------------------------


def test_every_row_of_the_commit_floor_is_there(tmp_path):
    connection = open_table(tmp_path / "floor.db")
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert len(commits(connection, 16, 8, 60.0)) == 2
    assert connection.execute("SELECT count(*) FROM line").fetchone() == (16,)
    connection.close()


def test_plain_rasa_differs_from_its_recipe_only_in_the_epochs():
    recipe = (plain.RECIPE / "config-diet.yml").read_text("utf-8")
    assert plain.config("diet").replace(f"epochs: {plain.EPOCHS}", "epochs: 100") == recipe
    assert plain.config("same") == (plain.RECIPE / "config-same.yml").read_text("utf-8")
    assert plain.fingerprint("same") != plain.fingerprint("diet")


def about():
    return {
        "date": "2026-11-22",
        "machine": "two cores",
        "rounds": 2,
        "model": "nlu-1",
        "workers": {"gyeot": 1},
    }


def several():
    servers = ("gyeot", "rasa-same", "rasa-parse")
    return [
        cell(server, at_once, number) for server in servers for at_once in (1, 8, 32) for number in (1, 2)
    ]


def test_a_report_writes_json_page_and_picture(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"# Performance\n\nBefore.\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n", "utf-8")
    report.Report(several(), about()).write(tmp_path)
    found = json.loads((tmp_path / "performance.json").read_text("utf-8"))
    assert found["ratios"]["throughput_vs_rasa_c32"] == 1.0
    assert found["aims_met"]["throughput_vs_rasa_c32"] is False
    assert set(found["summary"]["gyeot"]) == {"1", "8", "32"}
    assert len(found["cells"]) == 18
    words = page.read_text("utf-8")
    assert "Before." in words
    assert "After." in words
    assert "old" not in words
    assert words.count("**no**") == 2  # throughput and p99; CPU 1.0 is within 1.3
    assert (tmp_path / "images" / "performance.svg").read_text("utf-8").count("<svg") == 1


def test_a_second_report_replaces_the_first(tmp_path):
    first = report.Report(several(), about())
    first.write(tmp_path)
    before = (
        (tmp_path / "performance.md").read_text("utf-8"),
        (tmp_path / "images/performance.svg").read_bytes(),
    )
    first.write(tmp_path)
    after = (
        (tmp_path / "performance.md").read_text("utf-8"),
        (tmp_path / "images/performance.svg").read_bytes(),
    )
    assert before == after


def test_a_page_without_marks_is_not_overwritten():
    with pytest.raises(ValueError, match="no marks"):
        report.between("# Performance", "figures")


def test_every_measure_has_a_form():
    assert tuple(report.FORMS) == figures.MEASURES
