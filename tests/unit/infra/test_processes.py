"""What a child process is given."""

from infra.local.processes import worker

ENV = {"REDTHREAD_NEO4J_URI": "bolt://127.0.0.1:7687", "REDTHREAD_NEO4J_PASSWORD": "secret"}


def test_embed_has_no_password_of_the_graph() -> None:
    """It decodes files of strangers and never asks the graph; what our own environment holds is covered too."""
    assert worker("embed", 0, ENV).env["REDTHREAD_NEO4J_PASSWORD"] == ""
    assert worker("link", 0, ENV).env["REDTHREAD_NEO4J_PASSWORD"] == "secret"
