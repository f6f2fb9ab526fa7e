"""All errors that callers handle, each with a stable `code`; adapters map driver errors into them."""


class RedthreadError(Exception):
    """A failure that a person or a program can act on.

    `code` is stable and meant for programs; `message` is one sentence for a person and never holds
    payload, vectors or people's data.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Unprocessable(RedthreadError):
    """An event that no retry can help: it goes to quarantine with this reason."""

    code = "unprocessable"


class SourceUnreachable(RedthreadError):
    """The host that serves an event's bytes does not answer; the event is replayed when it does."""

    code = "source_unreachable"

    def __init__(self, message: str, *, host: str) -> None:
        super().__init__(message)
        self.host = host


class MediaStoreUnavailable(RedthreadError):
    """Our own store of crops and uploads is away or cannot be written: wait and try again, whatever it is about."""

    code = "media_store_unavailable"


class OtherModel(Unprocessable):
    """Vectors of another model than the register's: they cannot be compared.

    The event waits in quarantine under `host`, here the model's id, and is replayed when an event arrives that was
    embedded with the register's model.
    """

    code = "other_model"

    def __init__(self, message: str, *, host: str) -> None:
        super().__init__(message)
        self.host = host


class NotFound(RedthreadError):
    """The object does not exist, or the caller may not know that it does."""

    code = "not_found"


class Forbidden(RedthreadError):
    """The caller may not do this."""

    code = "forbidden"


class Invalid(RedthreadError):
    """The request is understood and wrong: it says what and where."""

    code = "invalid"


class Conflict(RedthreadError):
    """Somebody else acted first. `current` has the present state of the object, `disclosed` says it in a sentence.

    Both hold facts about a link or victim and go only to a caller whose stated purpose is in the audit; `message`
    holds none and goes to everybody.
    """

    code = "conflict"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        current: dict[str, object] | None = None,
        disclosed: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.current = current or {}
        self.disclosed = disclosed or message


class Fenced(RedthreadError):
    """Another link process holds the cursor: this one must end without writing."""

    code = "fenced"


class LogGap(RedthreadError):
    """The gallery log does not continue where the graph stopped: link must not go on."""

    code = "log_gap"


class NotSameLog(LogGap):
    """The gallery log lost records that the graph has taken: its offsets mean others now, whatever it grows to."""


class StoreUnavailable(RedthreadError):
    """Neo4j does not answer: wait and try again."""

    code = "store_unavailable"


class NoSpace(RedthreadError):
    """A folder has too little free space to take anything in: wait until it has."""

    code = "no_space"
