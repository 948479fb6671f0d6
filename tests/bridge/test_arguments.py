"""What becomes of arguments, and what is left to a person."""

from typing import List

import pytest

from prefect1_rsync import CensusSyncTask, SyncRunFailed
from prefect1_rsync.bridge.rewrite import LEFT, NOTE, NotPython, rewrite
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks.base import SyncTask
from tests.clock import VirtualClock

CENSUS = "from prefect.tasks.census import CensusSyncTask as Old\n"
HIGHTOUCH = "from prefect.tasks.hightouch import HightouchRunSync as Old\n"
AIRBYTE = "from prefect.tasks.airbyte import AirbyteConnectionTask as Old\n"
TRIGGER = "https://bearer:secret-token:canary@app.getcensus.com/api/v1/syncs/{}/trigger"
LOCALHOST = 'api_url="http://localhost:8000/api/public/v1"'


def body(before: str, imports: str) -> str:
    text = rewrite(imports + before, "tasks").text
    assert text.startswith("from prefect1_rsync import "), "left"
    return text.partition("\n")[2]


def why(text: str) -> List[str]:
    result = rewrite(text, "tasks")
    assert result.text == text
    return [found.text for found in result.findings if found.kind == LEFT]


def notes(text: str) -> List[str]:
    return [found.text for found in rewrite(text, "tasks").findings if found.kind == NOTE]


@pytest.mark.parametrize(
    "imports, before, after",
    [
        # Census
        (CENSUS, "Old()(t)", "Old()(api_trigger=t)"),
        (CENSUS, "Old(None)(api_trigger=t)", "Old()(api_trigger=t)"),
        (CENSUS, "Old(name='x')(t, 60)",
         "Old(name='x')(api_trigger=t, poll_status_every_n_seconds=60)"),
        (CENSUS, "Old()(t, poll_status_every_n_seconds=0)",
         "Old()(api_trigger=t, poll_status_every_n_seconds=5)"),
        (CENSUS, f"Old({TRIGGER.format(7)!r}).run()",
         'Old(api_trigger_secret="CENSUS_TRIGGER_URL_7").run()'),
        (CENSUS, f"Old().map(unmapped({TRIGGER.format(7)!r}))",
         'Old().map(api_trigger_secret=unmapped("CENSUS_TRIGGER_URL_7"))'),
        (CENSUS, f"Old().map(unmapped([{TRIGGER.format(7)!r}]))",
         'Old().map(api_trigger_secret=unmapped(["CENSUS_TRIGGER_URL_7"]))'),
        (CENSUS, f"U = [{TRIGGER.format(7)!r}]\nOld().map(U)",
         f"U = [{TRIGGER.format(7)!r}]\nOld().map(api_trigger_secret=[\"CENSUS_TRIGGER_URL_7\"])"),
        # Hightouch: it did not wait, and then waited for ever
        (HIGHTOUCH, "Old()(sync_id=1)", "Old(wait_for_completion=False)(sync_id=1)"),
        (HIGHTOUCH, "Old(k, None, 1)()", "Old(api_key=k, sync_id=1, wait_for_completion=False)()"),
        (HIGHTOUCH, "Old('', 'V')()", 'Old(api_key_secret=\'V\', wait_for_completion=False)()'),
        (HIGHTOUCH, "Old('canary', 'V')()",
         'Old(api_key_secret="HIGHTOUCH_API_KEY", wait_for_completion=False)()'),
        (HIGHTOUCH, "Old(wait_for_completion=1, max_wait_time=0)()",
         "Old(wait_for_completion=True, max_wait_seconds=None)()"),
        (HIGHTOUCH, "Old(wait_for_completion=w)()",
         "Old(wait_for_completion=w, max_wait_seconds=None)()"),
        (HIGHTOUCH, "Old(max_wait_time=90)(wait_for_completion=True)",
         "Old(max_wait_seconds=90, wait_for_completion=False)(wait_for_completion=True)"),
        (HIGHTOUCH, "Old(max_wait_time=None)(max_wait_time=None)",
         "Old(max_wait_seconds=None, wait_for_completion=False)()"),
        (HIGHTOUCH, "Old(max_wait_time=float('inf'))()",
         "Old(max_wait_seconds=None, wait_for_completion=False)()"),
        (HIGHTOUCH, "FOR_EVER = math.inf\nOld(max_wait_time=FOR_EVER)(max_wait_time=float('inf'))",
         "FOR_EVER = math.inf\nOld(max_wait_seconds=None, wait_for_completion=False)()"),
        (HIGHTOUCH, "from math import inf as for_ever\nOld(max_wait_time=for_ever)()",
         "from math import inf as for_ever\n"
         "Old(max_wait_seconds=None, wait_for_completion=False)()"),
        (HIGHTOUCH, "Old(wait_for_completion=True)(max_wait_time=0)",
         "Old(wait_for_completion=True, max_wait_seconds=None)()"),
        (HIGHTOUCH, "Old(max_wait_time=float('600'))(max_wait_time=x)",
         "Old(max_wait_seconds=float('600'), wait_for_completion=False)(max_wait_seconds=x)"),
        (HIGHTOUCH, "Old()(wait_for_completion=None)",
         "Old(wait_for_completion=False)(wait_for_completion=False)"),
        (HIGHTOUCH, "Old(wait_time_between_api_calls=-1)()",
         "Old(poll_status_every_n_seconds=10, wait_for_completion=False)()"),
        (HIGHTOUCH, "Old().map(sync_id=[1], api_key=unmapped(k))",
         "Old(wait_for_completion=False).map(sync_id=[1], api_key=unmapped(k))"),
        (HIGHTOUCH, "Old()(api_key='canary', api_key_env_var=None)",
         'Old(wait_for_completion=False)(api_key_secret="HIGHTOUCH_API_KEY")'),
        # Airbyte: three arguments become one
        (AIRBYTE, "Old()()", f"Old({LOCALHOST}, max_wait_seconds=None)()"),
        (AIRBYTE, "Old('h', '9', 'v1', c, True)()",
         'Old(api_url="http://h:9/api/public/v1", connection_id=c, max_wait_seconds=None)()'),
        (AIRBYTE, "Old(airbyte_server_host=a.b, airbyte_server_port=P)()",
         'Old(api_url=f"http://{a.b}:{P}/api/public/v1", max_wait_seconds=None)()'),
        (AIRBYTE, "Old(airbyte_server_port=int(p))()",
         'Old(api_url="http://localhost:{}/api/public/v1".format(int(p)), '
         "max_wait_seconds=None)()"),
        (AIRBYTE, "Old('h')(airbyte_server_port=9, connection_id=c, poll_interval_s=1)",
         'Old(api_url="http://h:8000/api/public/v1", max_wait_seconds=None)'
         '(api_url="http://h:9/api/public/v1", connection_id=c, poll_status_every_n_seconds=1)'),
        (AIRBYTE, "Old()(connection_id=None)", f"Old({LOCALHOST}, max_wait_seconds=None)()"),
        (AIRBYTE, "Old().map(connection_id=c, airbyte_server_host=prefect.unmapped('h'))",
         f"Old({LOCALHOST}, max_wait_seconds=None).map("
         'connection_id=c, api_url=prefect.unmapped("http://h:8000/api/public/v1"))'),
        # What is Prefect's stays
        (AIRBYTE, "Old(max_retries=3, tags=['a'])(upstream_tasks=[x], task_args=dict(name='y'))",
         f"Old(max_retries=3, tags=['a'], {LOCALHOST}, max_wait_seconds=None)"
         "(upstream_tasks=[x], task_args=dict(name='y'))"),
    ],
)  # fmt: skip
def test_arguments(imports: str, before: str, after: str) -> None:
    assert body(before, imports) == after


@pytest.mark.parametrize(
    "imports, code, reason",
    [
        (AIRBYTE, "Old(**settings)()", "**settings may hold anything"),
        (AIRBYTE, "Old(*settings)()", "*settings may hold anything"),
        (AIRBYTE, "Old()(**settings)", "line 2: **settings may hold anything"),
        (AIRBYTE, "Old(airbyte_api_version='v2')()", "airbyte_api_version is not v1"),
        (AIRBYTE, "Old(airbyte_api_version=v)()", "airbyte_api_version is no literal"),
        (AIRBYTE, "Old('http://h')()", "airbyte_server_host is not what a URL can be made of"),
        (AIRBYTE, "Old('user:canary@h')()", "airbyte_server_host holds a login: "),
        (AIRBYTE, "Old('http://user:canary@h')()", "airbyte_server_host holds a login: "),
        (AIRBYTE, "H = 'user:canary@h'\nOld(airbyte_server_host=H)()", "holds a login: "),
        (AIRBYTE, "H = f'user:{pw}@h'\nOld(airbyte_server_host=H)()", "holds a login: "),
        (AIRBYTE, "Old('user:canary@' + h)()", "airbyte_server_host holds a login: "),
        (AIRBYTE, "Old()(airbyte_server_host='user:canary@h')", "holds a login: "),
        (AIRBYTE, "Old().map(airbyte_server_host=['a', 'user:canary@h'])", "holds a login: "),
        (AIRBYTE, "Old()(airbyte_server_host=host)", "api_url has to hold it as text"),
        (AIRBYTE, "Old().map(airbyte_server_host=['a'])", "is not what a URL can be made of"),
        (AIRBYTE, "Old(f())(airbyte_server_port=9)", "is worked out where the task is made"),
        (AIRBYTE, "Old(connection_id='c')(connection_id=None)", "wiped the constructor's"),
        (AIRBYTE, "Old()(poll_interval_s=0)", "poll_interval_s is not above 0"),
        (AIRBYTE, "Old()(nonsense=1)", "nonsense is none of its arguments"),
        (AIRBYTE, "Old().run(upstream_tasks=[])", "upstream_tasks is none of its arguments"),
        (AIRBYTE, "Old()(task_args={'connection_id': 'x'})", "task_args may change any attribute"),
        (AIRBYTE, "Old(1, 2, 3, 4, 5, 6)()", "more arguments than it has"),
        (HIGHTOUCH, "Old(api_key=k, api_key_env_var='V')()", "are both given"),
        (HIGHTOUCH, "Old(api_key=k)(api_key_env_var='V')", "are both given"),
        (HIGHTOUCH, "Old(max_wait_time=9)(max_wait_time=None)", "wiped the constructor's"),
        (HIGHTOUCH, "Old(max_wait_time=9)(max_wait_time=math.inf)", "wiped the constructor's"),
        (HIGHTOUCH, "Old(max_wait_time=-1)()", "max_wait_time is not above 0"),
        (HIGHTOUCH, "Old(max_wait_time=-math.inf)()", "max_wait_time is no number"),
        (HIGHTOUCH, "Old(max_wait_time=float('nan'))()", "max_wait_time is no number"),
        (HIGHTOUCH, "Old(max_wait_time='90')()", "max_wait_time is no number"),
        (HIGHTOUCH, "Old()(max_wait_time=-1)", "line 2: max_wait_time is not above 0"),
        (HIGHTOUCH, "Old().map(max_wait_time=[9, 0])", "max_wait_time is not above 0"),
        (HIGHTOUCH, "Old().map(max_wait_time=[9, math.inf])", "max_wait_time is no number"),
        (HIGHTOUCH, "Old(wait_time_between_api_calls=None)()", "is no number"),
        (HIGHTOUCH, "Old(wait_time_between_api_calls=math.inf)()", "is no number"),
        (HIGHTOUCH, "Old(wait_time_between_api_calls=True)()", "is no number"),
        (HIGHTOUCH, "Old(api_key=5)()", "api_key is no text"),
        (CENSUS, "Old('https://canary')()", "not a trigger URL as Census shows it"),
        # Where it goes can't be seen
        (AIRBYTE, "Old()", "it is made and not used"),
        (AIRBYTE, "t = Old()", "t is not used here: other files may call it"),
        (AIRBYTE, "t = u = Old()\nt()", "it is given to several names at once"),
        (AIRBYTE, "t = Old()\nt = t()", "t is not only this"),
        (AIRBYTE, "self.t = Old()\nself.t()", "it is given to self.t, which is not followed"),
        (AIRBYTE, "class A:\n    t = Old()\n    t()", "t is not only this"),
        (AIRBYTE, "run(Old())", "it is passed on"),
        (AIRBYTE, "ts = [Old()]", "it is passed on"),
        (AIRBYTE, "t = Old()\nrun(t)", "line 3: it is passed on"),
        (
            AIRBYTE,
            "t = Old()\nt.connection_id = 'c'",
            "line 3: its attribute connection_id is used",
        ),
        (AIRBYTE, "t = Old()\nt.copy()()", "line 3: its attribute copy is used"),
        (AIRBYTE, "t = Old()\nt.set_upstream(p, key='connection_id')", "given to it by its key"),
        (AIRBYTE, "t: 'Old' = Old()\nt()", "its annotation is a text"),
        (AIRBYTE, "t: Task = Old()\nt()", "its annotation is another"),
        (AIRBYTE, "if (t := Old()):\n    t()", "it is passed on"),
        # What is tied to it stays, and so does it
        (AIRBYTE, "Old()()\nisinstance(x, Old)", "stays, for line 3 needs Prefect's own"),
        (AIRBYTE, "Old()()\n__all__ = ['Old']", "stays, for line 3 needs Prefect's own"),
        (AIRBYTE, "class Mine(Old): ...\nOld()()", "stays, for line 2 needs Prefect's own"),
        (CENSUS, "Old()(t)\nOld.check_invalid_api(t)", "stays, for line 3 needs Prefect's own"),
    ],
)
def test_what_is_left_and_why(imports: str, code: str, reason: str) -> None:
    assert any(reason in each for each in why(imports + code + "\n")), why(imports + code + "\n")


@pytest.mark.parametrize(
    "code",
    [
        "t = Old()\nflow.add_task(t)",
        "t = Old()\nt.set_upstream(x)\nt.name = 'y'",
        "t = Old()\nx.set_upstream(t)",
        "t = Old()\nx(upstream_tasks=[t])",
        "t = Old()\nx.map(y, upstream_tasks=[unmapped(t)])",
        "t = Old()\nflow.set_reference_tasks([t])",
        "t = Old()\nt.bind(flow=flow)",
        "flow.add_task(Old())",
        "Old().set_downstream(x)",
    ],
)
def test_the_order_of_tasks_is_no_business_of_ours(code: str) -> None:
    assert f"Old({LOCALHOST}, max_wait_seconds=None)" in body(code, AIRBYTE)


def test_one_may_stay_while_another_goes() -> None:
    text = (
        "from prefect.tasks.airbyte import AirbyteConnectionTask\n"
        "class Mine(AirbyteConnectionTask): ...\nAirbyteConnectionTask()()\n"
    )
    assert rewrite(text, "tasks").text == (
        "from prefect.tasks.airbyte import AirbyteConnectionTask\n"
        "from prefect1_rsync import AirbyteSyncTask\n"
        f"class Mine(AirbyteConnectionTask): ...\nAirbyteSyncTask({LOCALHOST}, "
        "max_wait_seconds=None)()\n"
    )


@pytest.mark.parametrize(
    "imports, code, said",
    [
        (AIRBYTE, "x = Old()()\nprint(x['job_status'])", True),
        (AIRBYTE, "f(Old()())", True),
        (AIRBYTE, "x = Old()()\ny(upstream_tasks=[x])\nx.set_upstream(z)", False),
        (AIRBYTE, "Old()()", False),
        (HIGHTOUCH, "return_ = Old().run()\nreturn_['sync']", True),
        (CENSUS, "x = Old()(t)\nprint(x['sync_run_id'])", True),
        (CENSUS, "x = Old()(t)\nif x['status'] == 'failed':\n    pass", True),
        (CENSUS, "x = Old()(t)\ny(upstream_tasks=[x])", False),
    ],
)
def test_whoever_uses_the_result_is_told_what_it_is_now(
    imports: str, code: str, said: bool
) -> None:
    assert any("what it returns is used" in note for note in notes(imports + code)) is said


def test_where_the_rest_of_a_census_run_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The note against the task."""
    (note,) = notes(CENSUS + "x = Old()(t)\nprint(x['sync_run_id'])")
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    with Sandbox(clock=clock.monotonic) as sandbox:
        sandbox.census.add_sync(7)
        token = sandbox.census.personal_access_token
        census = CensusSyncTask(sync_id=7, api_token=token, base_url=sandbox.census.base_url)
        stats = census.run()
        sandbox.census.script(7, ends="failed")
        with pytest.raises(SyncRunFailed):
            census.run()
        assert census.run(raise_on_failure=False)["status"] == "failed"
    assert "sync_run_id is run_id there" in note and "raise_on_failure=False" in note
    assert 'in raw["data"]' in note and str(stats["raw"]["data"]["sync_id"]) == "7"
    assert stats["run_id"] and "sync_run_id" not in stats


def test_stream_output_goes_with_a_word() -> None:
    assert notes(AIRBYTE + "Old(stream_output=False)()") == []
    (note,) = notes(AIRBYTE + "Old(stream_output='DEBUG')()")
    assert "stream_output has no counterpart" in note


@pytest.mark.parametrize(
    "before, after",
    [
        (
            "Old(\n    connection_id=c,  # the shop\n)()",
            f"Old(\n    connection_id=c,  # the shop\n    {LOCALHOST},\n"
            "    max_wait_seconds=None,\n)()",
        ),
        (
            "Old( c , airbyte_server_port = 9 )()".replace(" c ,", ""),
            'Old( api_url = "http://localhost:9/api/public/v1", max_wait_seconds=None )()',
        ),
        (
            "Old(\n    # none\n    stream_output=True,  # loud\n)()",
            f"Old(\n    # none\n    {LOCALHOST},  # loud\n    max_wait_seconds=None,\n)()",
        ),
        (
            "Old(airbyte_server_host='h', # a\n    airbyte_server_port=9, # b\n"
            "    # c\n    name='n')()",
            'Old(api_url="http://h:9/api/public/v1", # a\n    # b\n    # c\n'
            "    name='n',\n    max_wait_seconds=None)()",
        ),
    ],
)
def test_what_stays_keeps_its_place_and_its_comments(before: str, after: str) -> None:
    new = body(before, AIRBYTE)
    assert new.count("#") == before.count("#")
    assert new == after


@pytest.mark.parametrize("text", ["def f(:", "print 'canary-123456'", "x = 'canary-123456"])
def test_what_is_no_python_is_said_without_being_quoted(text: str) -> None:
    with pytest.raises(NotPython) as caught:
        rewrite(text + "  # airbyte\n")
    assert "line 1" in str(caught.value) and "canary" not in str(caught.value)


DEEP = {
    "a long sum": "s = " + " + ".join(['"a"'] * 600),
    "many elifs": "if x == 0:\n    pass\n"
    + "".join(f"elif x == {n}:\n    pass\n" for n in range(400)),
    "a long chain": "s = x" + ".f()" * 300,
}


@pytest.mark.parametrize("code", DEEP.values(), ids=list(DEEP))
def test_what_is_nested_too_deeply_is_said(code: str) -> None:
    for target in ("legacy", "tasks"):
        with pytest.raises(NotPython, match="nested too deeply"):
            rewrite(CENSUS + code + "\n", target)


def test_what_speaks_of_no_task_may_be_anything() -> None:
    for text in (*DEEP.values(), "def f(:\n"):
        assert rewrite(text) == (text, [], set())


def test_a_target_must_be_known() -> None:
    with pytest.raises(ValueError, match="target"):
        rewrite("", "prefect3")


@pytest.mark.parametrize(
    "code",
    [
        HIGHTOUCH + "Old('canary-123456')()",
        HIGHTOUCH + "t = Old()\nt('canary-123456')",
        HIGHTOUCH + "t = Old()\nt.map(['canary-123456', 'canary-1'])",
        HIGHTOUCH + "Old()('canary-123456')",
        HIGHTOUCH + "Old(**{'api_key': 'canary-123456'})()",
        HIGHTOUCH + "Old(api_key='canary' '-123456')()",
        HIGHTOUCH + "Old(api_key=f'canary-{x}')()",
        HIGHTOUCH + "KEY = API_KEY = 'canary-123456'  # canary-123456\nOld(api_key=KEY)()",
        HIGHTOUCH + "class Mine(Old):\n    def __init__(self, api_key='canary-123456'): ...",
        HIGHTOUCH + "p = Parameter('api_key', default='canary-123456')\nOld()(api_key=p)",
        HIGHTOUCH + "os.environ['HT_API_KEY'] = 'canary-123456'\nOld()()",
        HIGHTOUCH + "token: str = 'canary-123456'\nOld()(api_key=token)",
        HIGHTOUCH + "MINE = 'canary-123456'\nOld(api_key=MINE)()",
        HIGHTOUCH + "MINE: str = 'canary-123456'\nt = Old()\nt(api_key=MINE)",
        HIGHTOUCH + "mine = Parameter('mine', default='canary-123456')\nOld()(api_key=mine)",
        HIGHTOUCH + "MINE = 'canary-123456'\nt = Old()\nt(MINE)",
        CENSUS + f"# {TRIGGER.format(1)}\nOld()(x)",
        CENSUS + f"Old()({TRIGGER.format(1)!r})",
        CENSUS + "Old()('https://bearer:canary@other.example/')",
        CENSUS + "Old()('https://bearer:secret-token:' + 'canary' + '@other.example/')",
        # Defaults, and what is worked out
        HIGHTOUCH + "Old(api_key=os.getenv('HT', 'canary-123456'))()",
        HIGHTOUCH + "Old(api_key=os.environ.get('HT', default='canary-123456'))()",
        HIGHTOUCH + "Old(os.environ.get('HT') or 'canary-123456')()",
        HIGHTOUCH + "k = Parameter('k', 'canary-123456')\nOld()(k)",
        HIGHTOUCH + "k = Parameter('k', 'canary-123456')\nOld()(api_key=k)",
        HIGHTOUCH + "Old(api_key=('canary-123456').strip())()",
        HIGHTOUCH + "Old(api_key=''.join(['canary', '-123456']))()",
        HIGHTOUCH + "Old(api_key='{}-123456'.format('canary'))()",
        HIGHTOUCH + "Old(api_key='%s-123456' % 'canary')()",
        HIGHTOUCH + "Old(api_key=b'canary-123456'.decode())()",
        HIGHTOUCH + "Old(api_key=decrypt('canary-123456'))()",
        HIGHTOUCH + "Old(api_key=x if y == 'prod' else 'canary-123456')()",
        HIGHTOUCH + "Old(api_key={'a': 'canary-123456'}['a'])()",
        HIGHTOUCH + "Old(api_key=json.loads('{\"k\": \"canary-123456\"}')['k'])()",
        # Names, wherever they get it from
        HIGHTOUCH + "C = {'key': 'canary-123456'}\nOld(api_key=C['key'])()",
        HIGHTOUCH + "C = dict(key='canary-123456')\nOld(api_key=C.get('key'))()",
        HIGHTOUCH + "C = ['canary-123456']\nOld(api_key=C[0])()",
        HIGHTOUCH + "class C:\n    key = 'canary-123456'\nOld(api_key=C.key)()",
        HIGHTOUCH + "class C:\n    key = 'canary-123456'\nOld(api_key=getattr(C, 'key'))()",
        HIGHTOUCH + "def f(key='canary-123456'):\n    Old(api_key=key)()",
        HIGHTOUCH + "def f(key, n):\n    Old(key)()\nf('canary-123456', 1)",
        HIGHTOUCH + "def f(key, n):\n    Old(key)()\nf(n=1, key='canary-123456')",
        HIGHTOUCH + "class C:\n    def __init__(self, k):\n        Old(k)()\nC('canary-123456')",
        HIGHTOUCH + "def get():\n    return 'canary-123456'\nOld(api_key=get())()",
        HIGHTOUCH + "get = lambda: 'canary-123456'\nOld(api_key=get())()",
        HIGHTOUCH + "a, (key, *b) = 1, ('canary-123456', 2)\nOld(api_key=key)()",
        HIGHTOUCH + "a, key = 'canary-123456'.split()\nOld(api_key=key)()",
        HIGHTOUCH + "for key, n in [('canary-123456', 1)]:\n    Old(key)()",
        HIGHTOUCH + "[Old(key)() for key in ['canary-123456']]",
        HIGHTOUCH + "with closing('canary-123456') as key:\n    Old(key)()",
        HIGHTOUCH + "print(key := 'canary-123456')\nOld(key)()",
        HIGHTOUCH + "key = ''\nkey += 'canary-123456'\nOld(key)()",
        HIGHTOUCH + "os.environ['HT'] = 'canary-123456'\nOld(api_key=os.environ['HT'])()",
        HIGHTOUCH + "@option('--the-key', default='canary-123456')\n"
        "def f(the_key):\n    Old(api_key=the_key)()",
        "from prefect.tasks.hightouch import HightouchClient as C\nC('canary-123456')",
        # A login in front of a host
        AIRBYTE + "Old('airbyte:canary-123456@box')()",
        AIRBYTE + "Old(airbyte_server_host='airbyte:canary@box')()",
        AIRBYTE + "Old()(airbyte_server_host='http://airbyte:canary/1@2@box:8000')",
        AIRBYTE + "H = 'airbyte:canary-1 2@box'\nOld()(airbyte_server_host=H)",
        AIRBYTE + "P = 'canary'\nOld(airbyte_server_host=f'airbyte:{P}@box')()",
        AIRBYTE + "Old(airbyte_server_host='airbyte:' + 'canary' + '@box')()",
        AIRBYTE + "#  http://airbyte:canary@box:8000\nOld()()",
    ],
)
def test_no_secret_is_shown(code: str) -> None:
    for target in ("legacy", "tasks"):
        result = rewrite(code + "\n", target)
        assert "canary" not in result.shown(code), code
        assert "canary" not in result.shown(result.text)
        assert "canary" not in repr(result.findings)
        assert result.shown(code).count("\n") == code.count("\n")


@pytest.mark.parametrize(
    "code",
    [
        HIGHTOUCH + "Old(**{'api_key': 'canary-123456'})()",
        HIGHTOUCH + "t = Old()\nt(**{'api_key': 'canary-123456'})",
        HIGHTOUCH + "t = Old()\nt(**dict(api_key='canary-123456'))",
        HIGHTOUCH + "api_key_of = {'api_key': 'canary-123456'}\nOld(api_key=api_key_of)()",
    ],
)
def test_the_name_of_an_argument_is_shown(code: str) -> None:
    for target in ("legacy", "tasks"):
        result = rewrite(code + "\n", target)
        assert result.shown(code) == code.replace("canary-123456", "***")


@pytest.mark.parametrize(
    "imports, code",
    [
        (HIGHTOUCH, "Old(api_key_env_var='HT_NAME')(api_key=os.getenv('THE_KEY'))"),
        (HIGHTOUCH, "Old(api_key=' '.join([k, l]), name='x y')('a', 'b')"),
        (HIGHTOUCH, "t = Old()\nu = Other('some-text')\nt.set_upstream(u)\nt.bind(flow=f)"),
        (AIRBYTE, "Old('airbyte.example', 8000)(connection_id='some-text')"),
        (AIRBYTE, "tag('someone@example.com')\nOld()()"),
    ],
)
def test_what_is_no_secret_is_shown(imports: str, code: str) -> None:
    result = rewrite(imports + code + "\n")
    expected = code.replace("('a', ", "('***', ")
    assert result.shown(code) == expected


def test_the_name_of_a_secret_is_shown() -> None:
    code = HIGHTOUCH + "Old(api_key_env_var='HT')(api_key=PrefectSecret('MY_KEY'))\n"
    result = rewrite(code, "tasks")
    assert "'HT'" in result.shown(code) and "'MY_KEY'" in result.shown(code)
