"""What becomes of the arguments: those of Prefect's own tasks, as the new tasks have them.

The defaults differ. Where one decides how a run ends, the old one is spelled out: Hightouch's task
did not wait, and neither it nor Airbyte's ever gave up waiting. How often is looked is left to the
new tasks unless it was given.
"""

import math
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import libcst as cst

from .masks import texts_in
from .source import Source, dotted

#: Arguments of `Task.__call__`, `.map` and `.bind`, which stay.
_PREFECTS = ("flow", "mapped", "task_args", "upstream_tasks")
# What task_args may change without changing what the task does.
_TASK_ARGS = {"name", "slug", "tags", "max_retries", "retry_delay", "timeout", "trigger"}

_INIT: Dict[str, Tuple[str, ...]] = {
    "CensusSyncTask": ("api_trigger",),
    "HightouchRunSync": (
        "api_key",
        "api_key_env_var",
        "sync_id",
        "wait_for_completion",
        "wait_time_between_api_calls",
        "max_wait_time",
    ),
    "AirbyteConnectionTask": (
        "airbyte_server_host",
        "airbyte_server_port",
        "airbyte_api_version",
        "connection_id",
        "stream_output",
    ),
}
_RUN: Dict[str, Tuple[str, ...]] = {
    "CensusSyncTask": ("api_trigger", "poll_status_every_n_seconds"),
    "HightouchRunSync": _INIT["HightouchRunSync"],
    "AirbyteConnectionTask": (*_INIT["AirbyteConnectionTask"][:4], "poll_interval_s"),
}
_ADDRESS = {
    "airbyte_server_host": "localhost",
    "airbyte_server_port": 8000,
    "airbyte_api_version": "v1",
}
_TRIGGER_URL = re.compile(
    r"https://bearer:secret-token:[^@/\s]+@app\.getcensus\.com/api/v1/syncs/([1-9]\d*)/trigger"
)
# A name that we might give, as a whole literal.
_QUOTED_NAME = re.compile(
    r"""["']((?:HIGHTOUCH_API_KEY|CENSUS_TRIGGER_URL_[0-9]+)(?:_[0-9]+)?)["']"""
)


class Undecided(Exception):
    """It takes a person to say what becomes of this; the text says why."""


class SecretNames:
    """
    Names for secrets that stood in files: the same text, the same name, in all files of a run.
    """

    def __init__(self) -> None:
        self._named: Dict[str, Dict[str, str]] = {}
        self._taken: Set[str] = set()

    def avoid(self, text: str) -> None:
        """
        Takes no name that a file has in quotes: what is behind it is, as likely as not, another.

        Args:
            - text (str): the file, before it is rewritten
        """
        self._taken.update(_QUOTED_NAME.findall(text))

    def name_for(self, base: str, value: str) -> str:
        """`base` for the first value, `base_2` for the next."""
        known = self._named.setdefault(base, {})
        if value not in known:
            used = self._taken.union(known.values())
            number, name = 1, base
            while name in used:
                number += 1
                name = f"{base}_{number}"
            known[value] = name
        return known[value]


def positions(old: str, at_run: bool) -> Sequence[str]:
    """The arguments of an old task's constructor, or of its `run()`, in their order."""
    return (_RUN if at_run else _INIT)[old]


class Given(NamedTuple):
    """
    An argument that was given.

    Args:
        - number (int): which of the call's, from 0
        - value (cst.BaseExpression): what it is
        - known (bool): whether its value can be read off the file
        - literal (object): the value, if it is known
        - wrapper (str): `"unmapped"` (as the file calls it) or `""`
    """

    number: int
    value: cst.BaseExpression
    known: bool
    literal: Any
    wrapper: str


class Change(NamedTuple):
    """
    What an argument becomes.

    Args:
        - name (str): its name
        - value (str, optional): its value as code; None: as it was
        - elements (sequence of str, optional): instead, those of its list as code
    """

    name: str
    value: Optional[str] = None
    elements: Optional[Sequence[str]] = None


class Plan:
    """
    What a call becomes.

    Attributes:
        - changed (dict): index of an argument to what it becomes; None: it goes
        - added (list of Change): new ones, for the end
        - notes (list of str): what a person has to know, or to do
        - secrets (set of str): texts that must not be shown
    """

    def __init__(self) -> None:
        self.changed: Dict[int, Optional[Change]] = {}
        self.added: List[Change] = []
        self.notes: List[str] = []
        self.secrets: Set[str] = set()

    def put(self, given: Given, name: str, value: Optional[str] = None) -> None:
        """An argument gets a name, and perhaps a value."""
        if value is not None and given.wrapper:
            value = f"{given.wrapper}({value})"
        self.changed[given.number] = Change(name, value)

    def drop(self, given: Given) -> None:
        """An argument goes."""
        self.changed[given.number] = None

    def add(self, name: str, value: str) -> None:
        """A new argument."""
        self.added.append(Change(name, value))


class Site(NamedTuple):
    """
    A call of a task.

    Args:
        - node (cst.Call): the call
        - method (str): `""` for `task(...)`, else `"map"`, `"run"` or `"bind"`
    """

    node: cst.Call
    method: str


class Arguments:
    """
    The arguments of one task: of its constructor and of all its calls.

    Args:
        - source (Source): the file
        - old (str): the old class
        - names (SecretNames): names for secrets

    Raises:
        - Undecided: by the methods
    """

    def __init__(self, source: Source, old: str, names: SecretNames) -> None:
        self._source, self._old, self._names = source, old, names
        self._init: Dict[str, Given] = {}
        self._sites: List[Dict[str, Given]] = []

    def plans(self, constructor: cst.Call, sites: Sequence[Site]) -> List[Tuple[cst.Call, Plan]]:
        """
        What the constructor and the calls become.

        Args:
            - constructor (cst.Call): the one
            - sites (sequence of Site): all its calls

        Raises:
            - Undecided: at least one of them can't be decided
        """
        self._init, rest = self._read(constructor, _INIT[self._old], False)
        if "task_args" in rest:
            raise Undecided("task_args is none of the constructor's arguments")
        read = [self._read_site(site) for site in sites]
        self._sites = read
        how: Dict[str, Tuple[Callable[[Plan], None], Callable[..., None]]] = {
            "CensusSyncTask": (self._census_init, self._census_run),
            "HightouchRunSync": (self._hightouch_init, self._hightouch_run),
            "AirbyteConnectionTask": (self._airbyte_init, self._airbyte_run),
        }
        of_init, of_run = how[self._old]
        plan = Plan()
        of_init(plan)
        plans = [(constructor, plan)]
        for site, given in zip(sites, read):
            plan = Plan()
            try:
                of_run(plan, given, self._is_mapped(site))
            except Undecided as exc:
                raise Undecided(f"line {self._source.line(site.node)}: {exc}") from None
            plans.append((site.node, plan))
        return plans

    # Reading

    def _read_site(self, site: Site) -> Dict[str, Given]:
        try:
            given, rest = self._read(site.node, _RUN[self._old], self._is_mapped(site))
            for name in rest:
                if name not in _PREFECTS or site.method == "run":
                    raise Undecided(f"{name} is none of its arguments")
            if "task_args" in rest:
                self._check_task_args(rest["task_args"])
        except Undecided as exc:
            raise Undecided(f"line {self._source.line(site.node)}: {exc}") from None
        return given

    def _is_mapped(self, site: Site) -> bool:
        if site.method == "map":
            return True
        for arg in site.node.args:
            if arg.keyword is not None and arg.keyword.value == "mapped":
                known, value = self._source.known(arg.value)
                return not known or bool(value)
        return False

    def _read(
        self, call: cst.Call, order: Sequence[str], mapped: bool
    ) -> Tuple[Dict[str, Given], Dict[str, cst.BaseExpression]]:
        """The arguments that the old task has itself, and the rest."""
        own: Dict[str, Given] = {}
        rest: Dict[str, cst.BaseExpression] = {}
        for index, arg in enumerate(call.args):
            if arg.star:
                # Not the code of it: a dict written here may hold a secret.
                raise Undecided(f"{arg.star}{dotted(arg.value) or '...'} may hold anything")
            if arg.keyword is None and index >= len(order):
                raise Undecided("more arguments than it has")
            name = order[index] if arg.keyword is None else arg.keyword.value
            if name in order:
                own[name] = self._given(index, arg.value, mapped)
            else:
                rest[name] = arg.value
        return own, rest

    def _given(self, index: int, value: cst.BaseExpression, mapped: bool) -> Given:
        wrapper, inner = "", value
        if (
            isinstance(value, cst.Call)
            and dotted(value.func).split(".")[-1] == "unmapped"
            and len(value.args) == 1
        ):
            wrapper, inner = self._source.code(value.func), value.args[0].value
        known, literal = self._known(inner)
        if known and mapped and not wrapper and not isinstance(literal, (list, tuple)):
            # Mapped over: Prefect takes it apart.
            known = False
        return Given(index, inner, known, literal, wrapper)

    def _known(self, node: cst.BaseExpression) -> Tuple[bool, Any]:
        """The value, if it can be read off the file; infinity too, which has no literal."""
        known, value = self._source.known(node)
        if known:
            return True, value
        if isinstance(node, cst.Name):
            node = self._source.constant(node) or node
        if isinstance(node, (cst.List, cst.Tuple)):
            values = [self._known(element.value) for element in node.elements]
            numbers = [number for _, number in values if isinstance(number, (int, float))]
            return len(numbers) == len(values), numbers
        number = self._number(node)
        return number is not None, number

    def _number(self, node: cst.BaseExpression) -> Optional[float]:
        """`float("inf")`, `math.inf`, perhaps with a minus."""
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
            number = self._number(node.expression)
            return None if number is None else -number
        if isinstance(node, cst.Call) and dotted(node.func) == "float" and len(node.args) == 1:
            known, value = self._source.known(node.args[0].value)
            try:
                return float(value) if known else None
            except (TypeError, ValueError, OverflowError):
                return None
        path = dotted(node)
        if isinstance(node, cst.Name):
            aliases, sole = self._source.origin(node)
            path = aliases[0].path if sole else ""
        return math.inf if path.endswith(".inf") else None

    def _check_task_args(self, value: cst.BaseExpression) -> None:
        keys: List[Optional[str]] = [None]
        if isinstance(value, cst.Dict):
            keys = [
                self._source.known(element.key)[1] if isinstance(element, cst.DictElement) else None
                for element in value.elements
            ]
        elif isinstance(value, cst.Call) and dotted(value.func) == "dict":
            keys = [arg.keyword.value if arg.keyword else None for arg in value.args]
        if not set(keys) <= _TASK_ARGS:
            raise Undecided("task_args may change any attribute of the task")

    def _by_name(
        self, plan: Plan, given: Given, argument: str, name_of: Callable[[str], str]
    ) -> None:
        """A secret that stands in the file goes by its name."""
        literal = given.literal
        many = isinstance(literal, (list, tuple))
        values = list(literal) if many else [literal]
        if not all(isinstance(value, str) and value for value in values):
            raise Undecided(f"{argument} is no text")
        named = [name_of(value) for value in values]
        quoted = [f'"{name}"' for name in named]
        if many and isinstance(given.value, (cst.List, cst.Tuple)):
            plan.changed[given.number] = Change(argument + "_secret", None, quoted)
        else:
            code = ", ".join(quoted)
            plan.put(given, argument + "_secret", f"[{code}]" if many else code)
        plan.secrets.update(values)
        where = ""
        if isinstance(given.value, cst.Name):
            constant = self._source.constant(given.value)
            if constant is not None:
                line = self._source.line(constant)
                where = f"; line {line} still holds it: delete it there"
        for name in dict.fromkeys(named):
            plan.notes.append(
                f"{argument} stood here as text: store it as the Prefect secret {name} "
                f"(or an environment variable of that name){where}"
            )

    def _no_longer_none(self, plan: Plan, given: Given, name: str) -> None:
        """None at a call wiped the constructor's value, and means "the constructor's" now."""
        of_init = self._init.get(name)
        if of_init is not None and not (of_init.known and not of_init.literal):
            raise Undecided(f"{name}=None wiped the constructor's, and would not now")
        plan.drop(given)

    # Census

    def _census_init(self, plan: Plan) -> None:
        given = self._init.get("api_trigger")
        if given is not None:
            self._api_trigger(plan, given, False)

    def _census_run(self, plan: Plan, own: Dict[str, Given], mapped: bool) -> None:
        if "api_trigger" in own:
            self._api_trigger(plan, own["api_trigger"], True)
        poll = own.get("poll_status_every_n_seconds")
        if poll is not None:
            # The old one took 5 for anything under it; ours wants a number above 0.
            low = poll.known and isinstance(poll.literal, (int, float)) and poll.literal < 5
            plan.put(poll, "poll_status_every_n_seconds", "5" if low else None)

    def _api_trigger(self, plan: Plan, given: Given, at_run: bool) -> None:
        if not given.known:
            plan.put(given, "api_trigger")
        elif given.literal is None or given.literal == "":
            if at_run:
                self._no_longer_none(plan, given, "api_trigger")
            else:
                plan.drop(given)
        else:
            self._by_name(plan, given, "api_trigger", self._trigger_name)

    def _trigger_name(self, url: str) -> str:
        match = _TRIGGER_URL.fullmatch(url)
        if match is None:
            raise Undecided("api_trigger is not a trigger URL as Census shows it")
        return self._names.name_for(f"CENSUS_TRIGGER_URL_{match.group(1)}", url)

    # Hightouch

    def _hightouch_init(self, plan: Plan) -> None:
        own = self._init
        self._hightouch_key(plan, own, False)
        if "sync_id" in own:
            self._or_nothing(plan, own["sync_id"], "sync_id", False)
        wait = own.get("wait_for_completion")
        if wait is None:
            plan.add("wait_for_completion", "False")
        else:
            plan.put(wait, "wait_for_completion", _as_flag(wait))
        self._hightouch_poll(plan, own)
        bound = own.get("max_wait_time")
        if bound is not None:
            plan.put(bound, "max_wait_seconds", "None" if _is_unbounded(bound) else None)
        elif self._ever_waits():
            plan.add("max_wait_seconds", "None")

    def _hightouch_run(self, plan: Plan, own: Dict[str, Given], mapped: bool) -> None:
        self._hightouch_key(plan, own, True)
        if "sync_id" in own:
            self._or_nothing(plan, own["sync_id"], "sync_id", True)
        wait = own.get("wait_for_completion")
        if wait is not None:
            plan.put(wait, "wait_for_completion", _as_flag(wait))
        self._hightouch_poll(plan, own)
        bound = own.get("max_wait_time")
        if bound is not None:
            if not _is_unbounded(bound):
                plan.put(bound, "max_wait_seconds")
                return
            of_init = self._init.get("max_wait_time")
            if of_init is not None and not _is_unbounded(of_init):
                raise Undecided(
                    "max_wait_time without a bound wiped the constructor's, and would not now"
                )
            plan.drop(bound)

    def _hightouch_key(self, plan: Plan, own: Dict[str, Given], at_run: bool) -> None:
        key, variable = own.get("api_key"), own.get("api_key_env_var")
        # A key, however given, came before a variable's name; now the later one counts.
        both = key is not None and not (key.known and not key.literal)
        if at_run:
            of_init = self._init.get("api_key")
            both = both or (of_init is not None and not (of_init.known and not of_init.literal))
        if variable is not None and variable.known and not variable.literal:
            if at_run:
                self._no_longer_none(plan, variable, "api_key_env_var")
            else:
                plan.drop(variable)
        elif variable is not None and both:
            if at_run or key is None or not key.known:
                raise Undecided("api_key and api_key_env_var are both given")
            plan.drop(variable)
        elif variable is not None:
            plan.put(variable, "api_key_secret")
        if key is None:
            return
        if not key.known:
            plan.put(key, "api_key")
        elif not key.literal:
            if at_run:
                self._no_longer_none(plan, key, "api_key")
            else:
                plan.drop(key)
        else:
            self._by_name(
                plan, key, "api_key", lambda value: self._names.name_for("HIGHTOUCH_API_KEY", value)
            )

    def _hightouch_poll(self, plan: Plan, own: Dict[str, Given]) -> None:
        poll = own.get("wait_time_between_api_calls")
        if poll is not None:
            if poll.known and not all(map(_is_seconds, _each(poll.literal))):
                raise Undecided("wait_time_between_api_calls is no number")
            # The old one took 10 for what is not above 0.
            low = poll.known and isinstance(poll.literal, (int, float)) and poll.literal <= 0
            plan.put(poll, "poll_status_every_n_seconds", "10" if low else None)

    def _ever_waits(self) -> bool:
        waits = [own.get("wait_for_completion") for own in (self._init, *self._sites)]
        return any(given is not None and not (given.known and not given.literal) for given in waits)

    # Airbyte

    def _airbyte_init(self, plan: Plan) -> None:
        own = self._init
        self._api_url(plan, own, False)
        if "connection_id" in own:
            self._or_nothing(plan, own["connection_id"], "connection_id", False)
        stream = own.get("stream_output")
        if stream is not None:
            plan.drop(stream)
            if not (stream.known and not stream.literal):
                plan.notes.append(
                    "stream_output has no counterpart: what the run does is logged anyway, each "
                    "look at it on level DEBUG"
                )
        plan.add("max_wait_seconds", "None")

    def _airbyte_run(self, plan: Plan, own: Dict[str, Given], mapped: bool) -> None:
        if any(name in own for name in _ADDRESS):
            self._api_url(plan, own, True)
        if "connection_id" in own:
            self._or_nothing(plan, own["connection_id"], "connection_id", True)
        poll = own.get("poll_interval_s")
        if poll is not None:
            if poll.known and isinstance(poll.literal, (int, float)) and poll.literal <= 0:
                raise Undecided("poll_interval_s is not above 0")
            plan.put(poll, "poll_status_every_n_seconds")

    def _api_url(self, plan: Plan, own: Dict[str, Given], at_run: bool) -> None:
        """Host, port and version become one URL, in the place of the first of them."""
        parts = []
        for name in _ADDRESS:
            given = own.get(name) or self._init.get(name)
            if at_run and name not in own and given is not None:
                if not given.known and not _is_dotted(given.value):
                    raise Undecided(f"{name} is worked out where the task is made")
            elif at_run and given is not None and not given.known:
                raise Undecided(f"{name} is no literal: api_url has to hold it as text")
            parts.append(self._url_part(name, given))
        host, port, version = parts
        if version != "v1":
            raise Undecided("airbyte_api_version is not v1")
        code = _url_code(host, port)
        first: Optional[Given] = None
        for name, given in own.items():
            if name not in _ADDRESS:
                continue
            if first is None:
                first = given
                plan.put(given, "api_url", code)
            else:
                plan.drop(given)
        if first is None:
            plan.add("api_url", code)

    def _url_part(self, name: str, given: Optional[Given]) -> Any:
        """A text or a number to put into the URL, or an expression."""
        if given is None:
            return _ADDRESS[name]
        made_of = given.value
        if isinstance(made_of, cst.Name):
            made_of = self._source.constant(made_of) or made_of
        if any("@" in text for text in texts_in(made_of)):
            # Not written anywhere else: it would be in clear.
            raise Undecided(
                f"{name} holds a login: give AirbyteSyncTask username and password_secret"
            )
        if not given.known:
            if name == "airbyte_api_version":
                raise Undecided("airbyte_api_version is no literal")
            return given.value
        value = given.literal
        text, pattern = str(value), r".*"
        if name == "airbyte_server_host":
            pattern = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
        elif name == "airbyte_server_port":
            pattern = r"[0-9]{1,5}"
        good = isinstance(value, (str, int)) and re.fullmatch(pattern, text)
        if not good:
            raise Undecided(f"{name} is not what a URL can be made of")
        return given.value if isinstance(given.value, cst.Name) else value

    def _or_nothing(self, plan: Plan, given: Given, name: str, at_run: bool) -> None:
        """An argument that keeps its name; None is left out, for it says nothing now."""
        if given.known and given.literal is None:
            if at_run:
                self._no_longer_none(plan, given, name)
            else:
                plan.drop(given)
        else:
            plan.put(given, name)


def _is_unbounded(bound: Given) -> bool:
    """
    Whether this `max_wait_time` means "for ever": None, 0 and infinity did; ours takes None alone.

    Raises:
        - Undecided: it is nothing that ours takes
    """
    if not bound.known:
        return False
    if not isinstance(bound.literal, (list, tuple)) and (
        not bound.literal or bound.literal == math.inf
    ):
        return True
    for value in _each(bound.literal):
        if not _is_seconds(value):
            raise Undecided("max_wait_time is no number")
        if value <= 0:
            raise Undecided("max_wait_time is not above 0")
    return False


def _is_seconds(value: object) -> bool:
    """A number that is one for the new tasks too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _each(literal: Any) -> Sequence[Any]:
    """What is mapped over, one by one; else the one."""
    return literal if isinstance(literal, (list, tuple)) else [literal]


def _as_flag(given: Given) -> Optional[str]:
    """The old one took anything; ours wants True or False."""
    if given.known and not isinstance(given.literal, (bool, list, tuple)):
        return str(bool(given.literal))
    return None


def _is_dotted(node: cst.BaseExpression) -> bool:
    """A name, or attributes of a name: reading it again does nothing else."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def _url_code(host: Any, port: Any) -> str:
    parts = [part for part in (host, port) if isinstance(part, cst.BaseExpression)]
    if all(_is_dotted(part) for part in parts):
        shown = ["{" + dotted(part) + "}" if part in parts else part for part in (host, port)]
        prefix = "f" if parts else ""
        return prefix + '"http://{}:{}/api/public/v1"'.format(*shown)
    shown = ["{}" if part in parts else part for part in (host, port)]
    code = ", ".join(cst.Module([]).code_for_node(part) for part in parts)
    return '"http://{}:{}/api/public/v1"'.format(*shown) + f".format({code})"
