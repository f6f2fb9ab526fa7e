"""`redthread ingest`: submits a folder or archive of pictures to one case of the running system; resumable."""

import threading
from dataclasses import astuple
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from graph.domain.comparison import Scope
from graph.domain.errors import Invalid
from graph.domain.ids import case_id_fault, is_case_id, source_of
from graph.domain.text import printable
from graph.files import MediaStore
from infra.cli.common import DataOption, read_settings, settings, space
from infra.foreground import in_thread, run_until_signalled
from infra.local.running import addresses_of
from infra.settings import Settings
from infra.terminal import announce, bars, results
from streams.client.files import Files, Listing, open_files
from streams.client.free_space import FreeSpace
from streams.client.graph_state import GraphState
from streams.client.ingest import Ingest, IngestTerms
from streams.client.journal import open_journal, target_of
from streams.client.outcome import ERASED, Outcome
from streams.client.publish import CaseSystem
from streams.client.submission import explanation
from streams.kafka.admin import admin_client
from streams.kafka.connection import CLIENT_ID
from streams.kafka.offsets import ANSWER_S
from streams.settings import MIB, Addresses, StreamSettings

Urgency = Literal["routine", "urgent", "danger_now"]
WORDS = {
    "faces_found": "faces found",
    "no_face": "no face found",
    "too_poor": "too poor to compare",
    "duplicate": "known in this case already",
    "quarantined": "in quarantine",
    ERASED: "erased",
}
TEXT_MAX = 200


def ingest(
    folder: Annotated[Path, typer.Argument(help="A folder or an archive: every file in it is submitted.")],
    case: Annotated[str, typer.Option(help="Case id; without a source before a colon it gets `local:`.")],
    scope: Annotated[Scope, typer.Option(help="How far the pictures may be compared.")],
    purpose: Annotated[str, typer.Option(help="What the pictures are processed for.")],
    legal_basis: Annotated[str, typer.Option(help="What allows it.")],
    district: Annotated[str, typer.Option(help="The district that the case belongs to.")] = "north",
    urgency: Annotated[Urgency, typer.Option(help="How soon people should look.")] = "routine",
    exhibits: Annotated[
        bool, typer.Option("--exhibits", help="Name each file's path to the case as its exhibit.")
    ] = False,
    resubmit_erased: Annotated[
        bool,
        typer.Option("--resubmit-erased", help="Send again what was erased since; you state what allows it."),
    ] = False,
    data: DataOption = None,
) -> None:
    """Submit a folder or an archive of pictures to a case, and the pictures in archives within it.

    Exit code 1 where some files are in quarantine or could not be sent.
    """
    chosen = settings(data=data)
    terms = IngestTerms(
        full_case_id(case),
        district,
        scope.value,
        _text("--purpose", purpose),
        _text("--legal-basis", legal_basis),
        urgency,
        exhibits,
    )
    if fault := case_id_fault(terms.case_id):
        raise Invalid(f"--case: {fault}")
    allowed = chosen.sources.get(source_of(terms.case_id))
    if allowed is None:
        raise Invalid(f"--case: no source {source_of(terms.case_id)} is set up in REDTHREAD_SOURCES")
    if district not in allowed:
        raise Invalid(f"--district: source {source_of(terms.case_id)} speaks for {', '.join(allowed)} only")
    source = open_files(folder.expanduser())
    listing = source.listing()
    for remark in listing.remarks:
        announce(printable(remark))
    if not listing.names and not listing.not_sent:
        raise Invalid(f"no files in {printable(str(folder))}")
    addresses = addresses_of(chosen)
    main = in_thread(lambda stop: _ingest(terms, source, listing, addresses, chosen, resubmit_erased, stop))
    outcome = run_until_signalled(main, "stopping; what Kafka has is not sent again", resumable=True)
    _show(outcome)
    if outcome.quarantined or outcome.not_sent:
        raise typer.Exit(1)


def full_case_id(case: str) -> str:
    """The case id, of source `local` where none is named; Invalid where it is none."""
    case_id = case if ":" in case else f"local:{case}"
    if not is_case_id(case_id):
        raise Invalid("--case: a case id reads <source>:<local id>")
    return case_id


def _ingest(
    terms: IngestTerms,
    source: Files,
    listing: Listing,
    addresses: Addresses,
    chosen: Settings,
    resubmit_erased: bool,
    stop: threading.Event,
) -> Outcome:
    kafka = addresses.kafka_connection
    target = target_of(admin_client(kafka).list_topics(timeout=ANSWER_S).cluster_id, *astuple(terms))
    limits = read_settings(StreamSettings, kafka=addresses.kafka, data=chosen.data)
    # By our own client id Kafka does not limit it: it waits by itself while there is too little space.
    system = CaseSystem(kafka, source_of(terms.case_id), client_id=CLIENT_ID)
    free = FreeSpace(space(chosen), announce, stop)
    with open_journal(chosen.data, target, free) as journal:
        run = Ingest(
            terms=terms,
            source=source,
            journal=journal,
            uploads=MediaStore(limits.store_url),
            system=system,
            graph=GraphState(addresses),
            max_bytes=limits.max_media_mib * MIB,
            resubmit_erased=resubmit_erased,
            space=free,
            announce=announce,
            show_progress=bars,
        )
        return run.run(listing, stop, lambda: explanation(addresses, system.source, chosen.data / "logs"))


def _show(outcome: Outcome) -> None:
    results.print(f"{outcome.sent} sent now, {outcome.before} by an earlier run")
    table = Table("outcome", "files", box=None)
    for name, number in sorted(outcome.by_outcome.items()):
        table.add_row(WORDS.get(name, name), str(number))
    results.print(table)
    for system, number in sorted(outcome.left_out.items()):
        results.print(f"left out: {number} {'file' if number == 1 else 'files'} that {system} leaves beside pictures")
    if number := outcome.by_outcome.get(ERASED):
        results.print(
            f"{number} of them were erased: the case does not have them. If they may be submitted again, "
            "run this with --resubmit-erased"
        )
    for title, items in (
        ("in part", outcome.in_part),
        ("in quarantine", outcome.quarantined),
        ("not sent", outcome.not_sent),
    ):
        for file, reason in items:
            results.print(f"{title}: {escape(printable(file))}: {escape(reason)}")


def _text(option: str, text: str) -> str:
    if not 1 <= len(text.strip()) <= TEXT_MAX:
        raise Invalid(f"{option}: from 1 to {TEXT_MAX} characters")
    return text.strip()
