"""Our own routes of `/v1`: conversions, reversals, leads, claimed codes, opt-outs."""

from litestar import Router, post
from litestar.params import FromPath
from litestar.types import ASGIApp, ControllerRouterHandler

from ..domain.bodies import MAX_EVENT_BYTES, read_message
from ..domain.fields import NOTHING, Fields, hint
from ..domain.forms import Form, looks_like_form, read_form, return_address
from ..domain.interpret import Kind
from ..domain.native import CLAIM_FIELDS, IDEMPOTENCY_KEY, LEAD_FIELDS, OPTOUT_FIELDS
from ..domain.outcome import Dropped, Outcome, Refused, TooLarge
from ..domain.tables import Link
from .answers import PREFLIGHT, RETRY_AFTER_SECONDS, Answer, answer_report
from .arrivals import arrival_of
from .door import Door
from .form_pages import form_page, said_of
from .intake import Delivery, take
from .openapi_reports import CLAIM_DOCUMENTED, DOCUMENTED
from .pages import PAGE_HEADERS
from .requests import COOKIE, HttpRequest, header, read_body, visitor_cookie

_FORMS = {Kind.LEAD: LEAD_FIELDS, Kind.CLAIM: CLAIM_FIELDS, Kind.OPTOUT: OPTOUT_FIELDS}
_OF_A_BROWSER = (Kind.CLAIM, Kind.OPTOUT)  # a lead's sender is somebody else than its person
_NO_STORE = {b"cache-control": b"no-store"}
_FORGET = {b"set-cookie": f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax".encode()}


def report_routes(door: Door) -> ControllerRouterHandler:
    """The routes; those that people fill in take forms as well as JSON."""

    @post("/conversions", status_code=200, **DOCUMENTED[Kind.CONVERSION])
    async def conversions(request: HttpRequest) -> ASGIApp:
        return await _answered(door, request, Kind.CONVERSION)

    @post("/reversals", status_code=200, **DOCUMENTED[Kind.REVERSAL])
    async def reversals(request: HttpRequest) -> ASGIApp:
        return await _answered(door, request, Kind.REVERSAL)

    @post("/leads", status_code=200, **DOCUMENTED[Kind.LEAD])
    async def leads(request: HttpRequest) -> ASGIApp:
        return await _answered(door, request, Kind.LEAD)

    @post("/codes/claim", status_code=200, **DOCUMENTED[Kind.CLAIM])
    async def claim(request: HttpRequest) -> ASGIApp:
        return await _answered(door, request, Kind.CLAIM)

    @post("/codes/{code:str}/claim", status_code=200, **CLAIM_DOCUMENTED)
    async def claim_of(request: HttpRequest, code: FromPath[str]) -> ASGIApp:
        return await _answered(door, request, Kind.CLAIM, {"code": code})

    @post("/optout", status_code=200, **DOCUMENTED[Kind.OPTOUT])
    async def optout(request: HttpRequest) -> ASGIApp:
        return await _answered(door, request, Kind.OPTOUT)

    return Router(
        "/v1",
        route_handlers=[conversions, reversals, leads, claim, claim_of, optout],
        response_headers=PREFLIGHT,
    )


async def _answered(
    door: Door, request: HttpRequest, kind: Kind, in_path: Fields = NOTHING
) -> ASGIApp:
    """The answer to a call: to a form with a page or a way back, else with JSON."""
    form: Form | None = None
    fields: Fields = NOTHING
    try:
        data = await _read(request)
        if kind in _FORMS and looks_like_form(header(request, b"content-type"), data):
            form = Form({}, None, None)  # also what cannot be read as one is answered as one
            form = read_form(data, _FORMS[kind])
            fields = _of_the_browser(form, request) if kind in _OF_A_BROWSER else form.fields
        else:
            fields = read_message(data)
        fields = _with_path(fields, in_path)
        outcome = await _taken(door, request, kind, fields, form)
    except Dropped as refused:
        outcome = Outcome.of_drop(refused)
    if form is not None:
        return _page(door, request, kind, (form, fields), outcome)
    return answer_report(outcome)


async def _read(request: HttpRequest) -> bytes:
    data = await read_body(request)
    if len(data) > MAX_EVENT_BYTES:
        raise TooLarge("too_large", f"a call has at most {MAX_EVENT_BYTES} bytes")
    return data


def _of_the_browser(form: Form, request: HttpRequest) -> Fields:
    """A form that names nobody speaks of the browser that sent it, by our own cookie."""
    if "visitor_id" in form.fields or "customer_id" in form.fields:
        return form.fields
    visitor_id = hint({COOKIE: visitor_cookie(request)}, COOKIE)
    return form.fields | {"visitor_id": visitor_id} if visitor_id else form.fields


def _with_path(fields: Fields, in_path: Fields) -> Fields:
    """The fields with those of the address. Raises Refused for one that stands in both."""
    if any(name in fields for name in in_path):
        raise Refused("repeated_name", "the code stands in the address and in the body")
    return {**fields, **in_path}


async def _taken(
    door: Door, request: HttpRequest, kind: Kind, fields: Fields, form: Form | None
) -> Outcome:
    arrival = arrival_of(door, request, fields.get("writeKey"))
    link = _link(door, fields)
    if form is not None and form.return_to and (link is not None or kind is Kind.OPTOUT):
        return_address(form.return_to, link.destination if link else None)
    key = header(request, b"idempotency-key").strip().strip('"')
    delivery = Delivery(
        parts=(fields,),
        kind=kind,
        arrival=arrival,
        beside={IDEMPOTENCY_KEY: key or (form.idempotency_key if form else None)},
    )
    (outcome,) = (await take(door, delivery)).values()
    return outcome


def _page(
    door: Door, request: HttpRequest, kind: Kind, sent: tuple[Form, Fields], outcome: Outcome
) -> ASGIApp:
    form, fields = sent
    optout = kind is Kind.OPTOUT
    headers = dict(_NO_STORE)
    if optout and outcome.event is not None:
        headers |= _FORGET
    if form.return_to and outcome.event is not None:
        return Answer(303, headers | {b"location": form.return_to.encode()})
    if outcome.status == 503:
        headers |= {b"retry-after": str(RETRY_AFTER_SECONDS).encode()}
    link = _link(door, fields)
    policy = door.registry.policy(link.market_id, door.now()) if link else None
    language = policy.language if policy else None
    said = said_of(outcome, optout=optout)
    body = form_page(said, header(request, b"accept-language"), language)
    return Answer(outcome.status, PAGE_HEADERS | headers, body)


def _link(door: Door, fields: Fields) -> Link | None:
    code = hint(fields, "code")
    return door.registry.link(code) if code is not None else None
