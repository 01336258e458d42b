"""What a link may be: codes, destinations, parameters, pictures."""

from typing import Any

import numpy
import pytest
import zxingcpp
from programs.domain import Organisation, Plan, State, faults_of, plan
from programs.domain.qr_codes import Drawing, Repair, TooSmall, png, svg
from pydantic import ValidationError
from shared_schemas.destinations import Allowed
from shared_schemas.events.programs import LinkIssued, LinkParameter, LinkTarget

from .builders import decided, document, link, market, terms
from .pictures import pixels_of

ADDRESS = "https://go.example.com/r/K7MX-3FQ9"
SWISS = {"destination": "https://shop.example.com/ch", "market": "ch"}
GERMAN = {"destination": "https://shop.example.com/de", "language": "de"}


def two_markets(**given: Any) -> dict[str, Any]:
    return document(markets=[market(), market(id="ch")], links=[link(**given)])


def issued(planned: Plan) -> LinkIssued:
    assert planned.faults == ()
    return planned.after.links["ANN-1"]


def test_targets_and_parameters_are_published_as_they_are_wanted() -> None:
    wanted = {"targets": [SWISS, GERMAN], "parameters": {"utm_source": "friends", "page": "/x?y"}}
    found = issued(decided(two_markets(**wanted)))
    assert found.targets == (
        LinkTarget(destination="https://shop.example.com/ch", market_id="ch"),
        LinkTarget(destination="https://shop.example.com/de", language="de"),
    )
    assert found.parameters == (
        LinkParameter(name="utm_source", value="friends"),
        LinkParameter(name="page", value="/x?y"),
    )


def test_the_same_link_again_changes_nothing_and_what_is_left_out_stays() -> None:
    wanted = two_markets(targets=[SWISS], parameters={"utm_source": "friends"})
    assert decided(wanted, wanted).changes == ()
    assert decided(wanted, document()).changes == ()


def test_targets_and_parameters_are_changed_and_taken_away() -> None:
    before = two_markets(targets=[SWISS], parameters={"utm_source": "friends"})
    changed = decided(before, two_markets(parameters={"utm_source": "mail"}))
    assert [(d.what, d.before, d.after) for d in changed.changes[0].differences] == [
        ("link ANN-1: parameters[utm_source].value", "friends", "mail")
    ]
    gone = issued(decided(before, two_markets(targets=[], parameters={})))
    assert (gone.targets, gone.parameters, gone.revision) == ((), (), 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"targets": [{"destination": "https://a.example"}]}, "name a `market`"),
        ({"targets": [GERMAN, GERMAN | {"destination": "https://b.example"}]}, "keep one"),
        ({"targets": [GERMAN | {"destination": "https://me@a.example"}]}, "no user name"),
        ({"targets": [GERMAN | {"language": "deutsch"}]}, "form"),
        ({"targets": [GERMAN] * 51}, "50"),
        ({"parameters": {"gw": "x"}}, "token"),
        ({"parameters": {"a b": "x"}}, "form"),
        ({"parameters": {"a": "x\n"}}, "form"),
        ({"parameters": {"a": "x" * 201}}, "200"),
        ({"parameters": {f"p{n}": "x" for n in range(21)}}, "20"),
        ({"destination": "https://a.example/?a=1", "parameters": {"a": "2"}}, "already"),
        ({"parameters": {f"p{n}": "x" * 200 for n in range(12)}}, "more than 2000"),
        ({"destination": "https://a.example\\@evil.example"}, "invisible"),
    ],
)
def test_links_that_lead_nowhere_definite_are_refused(given: dict, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Organisation.model_validate({"links": [link(**given)]})
    assert said in str([fault.problem for fault in faults_of(refused.value, Organisation)])


def test_a_target_names_a_market_that_is_there() -> None:
    planned = decided(document(links=[link(targets=[SWISS | {"market": "uk"}])]))
    assert "there is no market 'uk'" in planned.faults[0].problem


def with_hosts(given: dict[str, Any], hosts: str, state: State | None = None) -> Plan:
    allowed = Allowed.of("https", hosts)
    wanted = Organisation.model_validate(given)
    return plan(state or State(), wanted, terms(destinations=allowed))


def test_only_allowed_hosts_are_led_to() -> None:
    assert with_hosts(document(), "shop.example.com").faults == ()
    (fault,) = with_hosts(document(), "*.shop.example.com").faults
    assert fault.where == "links[0].destination"
    assert "not among the allowed" in fault.problem
    foreign = two_markets(targets=[SWISS | {"destination": "https://evil.example"}])
    assert with_hosts(foreign, "shop.example.com").faults
    assert with_hosts(document(links=[link(destination="http://shop.example.com")]), "").faults


@pytest.mark.parametrize("code", ["2222-2222", "k7mx-3fq9", "2222222Z"])
def test_a_new_code_may_not_imitate_a_generated_one_and_a_known_one_stays(code: str) -> None:
    planned = decided(document(links=[link(code=code)]))
    if code == "2222222Z":
        assert planned.faults == ()
        return
    assert planned.faults[0].where == "links[0].code"
    assert not planned.faults[0].conflict
    known = decided(document())
    grown = State(
        markets=known.after.markets,
        programs=known.after.programs,
        participants=known.after.participants,
        links={code: known.after.links["ANN-1"].model_copy(update={"code": code})},
    )
    assert decided({"links": [link(code=code)]}, state=grown).faults == ()


@pytest.mark.parametrize("repair", list(Repair))
@pytest.mark.parametrize("pixels", [64, 250, 512, 2_048])
def test_a_picture_is_read_by_somebody_elses_reader(repair: Repair, pixels: int) -> None:
    picture = pixels_of(png(ADDRESS, Drawing(pixels=pixels, repair=repair)))
    assert picture.shape[0] == picture.shape[1] <= pixels
    (found,) = zxingcpp.read_barcodes(numpy.repeat(numpy.repeat(picture, 2, 0), 2, 1))
    assert found.text == ADDRESS


def test_an_svg_has_the_size_that_was_asked_for_and_says_nothing_else() -> None:
    picture = svg(ADDRESS, Drawing(pixels=300)).decode()
    assert 'width="300.0" height="300.0"' in picture
    assert "script" not in picture
    assert picture.count("http") == 1  # the name space of SVG


def test_a_code_that_does_not_fit_is_refused_with_the_size_that_it_needs() -> None:
    with pytest.raises(TooSmall, match="at least 81 pixels"):
        png("https://go.example.com/r/" + "A" * 100, Drawing(pixels=64, border=16))
