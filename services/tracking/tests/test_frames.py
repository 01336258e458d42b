"""Frames: whatever happens to a segment, what is read was written there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking.domain.frames import HEADER_BYTES, MAGIC, Scan, frame, scan

SEGMENT = 7
bodies = st.binary(max_size=40).map(lambda raw: raw.replace(b"\xf5", b""))
segments = st.lists(bodies, min_size=1, max_size=8)


def written(payloads: list[bytes]) -> tuple[bytes, list[int]]:
    """A segment's bytes, and where each of its frames ends."""
    data, ends = b"", []
    for payload in payloads:
        data += frame(payload, SEGMENT, len(data))
        ends.append(len(data))
    return data, ends


def payloads_of(found: Scan) -> list[bytes]:
    return [one.payload for one in found.found]


@given(segments)
def test_what_was_written_is_read(payloads: list[bytes]) -> None:
    data, ends = written(payloads)
    found = scan(data, SEGMENT)
    assert payloads_of(found) == payloads
    assert [one.end for one in found.found] == ends
    assert (found.damaged, found.end, found.torn_bytes) == ([], len(data), 0)


@given(segments, st.data())
def test_a_segment_cut_anywhere_yields_its_whole_records_and_a_torn_tail(
    payloads: list[bytes], draw: st.DataObject
) -> None:
    data, ends = written(payloads)
    cut = draw.draw(st.integers(0, len(data)))
    found = scan(data[:cut], SEGMENT)
    whole = sum(end <= cut for end in ends)
    assert payloads_of(found) == payloads[:whole]
    assert found.damaged == []
    assert found.end == (ends[whole - 1] if whole else 0)
    assert found.torn_bytes == cut - found.end


@given(segments, st.data())
def test_a_flipped_bit_costs_the_record_that_it_is_in_and_is_counted(
    payloads: list[bytes], draw: st.DataObject
) -> None:
    data, ends = written(payloads)
    bit = draw.draw(st.integers(0, 8 * len(data) - 1))
    broken = bytearray(data)
    broken[bit // 8] ^= 1 << bit % 8
    hit = next(place for place, end in enumerate(ends) if bit // 8 < end)
    found = scan(bytes(broken), SEGMENT)
    assert payloads_of(found) == payloads[:hit] + payloads[hit + 1 :]
    lost = sum(one.records for one in found.damaged)
    if hit < len(payloads) - 1:
        assert (lost, found.torn_bytes) == (1, 0)
    else:  # the last one may as well be a write that never finished
        assert (lost == 1) != (found.torn_bytes > 0)


@given(segments, st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=30)), max_size=5))
def test_whatever_is_written_over_a_segment_no_wrong_record_is_read(
    payloads: list[bytes], blows: list[tuple[int, bytes]]
) -> None:
    data, _ = written(payloads)
    broken = bytearray(data)
    for at, blow in blows:
        broken[at : at + len(blow)] = blow
    left = iter(payloads)
    assert all(payload in left for payload in payloads_of(scan(bytes(broken), SEGMENT)))


@given(segments, st.data())
def test_a_segment_read_in_parts_is_the_one_read_at_once(
    payloads: list[bytes], draw: st.DataObject
) -> None:
    data, _ = written(payloads)
    cut = draw.draw(st.integers(0, len(data)))
    first = scan(data[:cut], SEGMENT, is_rest=False)
    rest = scan(data[first.end :], SEGMENT, first.end)
    assert payloads_of(first) + payloads_of(rest) == payloads
    assert first.damaged == rest.damaged == []
    assert first.torn_bytes == 0


def test_frames_are_good_only_where_they_were_written() -> None:
    data, (first, _) = written([b"one", b"two"])
    assert payloads_of(scan(data, SEGMENT + 1)) == []
    moved = scan(data[first:] + data[:first], SEGMENT)
    assert payloads_of(moved) == []
    assert sum(one.records for one in moved.damaged) == 2


@pytest.mark.parametrize("length", [0, 1, HEADER_BYTES - 1, HEADER_BYTES, 50])
def test_zeros_behind_the_last_frame_are_a_torn_tail(length: int) -> None:
    data, _ = written([b"one"])
    found = scan(data + bytes(length), SEGMENT)
    assert payloads_of(found) == [b"one"]
    assert (found.damaged, found.torn_bytes) == ([], length)


def test_a_payload_that_holds_a_whole_frame_is_not_taken_for_two() -> None:
    """Even where the outer frame is damaged: the inner one was not written at that place."""
    outer = b"x" + frame(b"planted", SEGMENT, 0)
    data, (first, _) = written([outer, b"next"])
    broken = b"\x00" + data[1:]
    assert payloads_of(scan(broken, SEGMENT)) == [b"next"]
    assert scan(broken, SEGMENT).damaged[0][:2] == (0, first)
    assert MAGIC in outer
