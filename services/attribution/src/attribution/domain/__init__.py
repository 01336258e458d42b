"""The decisions of attribution, as pure functions of the set of facts heard so far.

`hearing` turns events into facts, `people` into persons, `clicks` into journeys, `reports` merges
what is said of one conversion, `decision` credits it, `referrals` follows what came of it.
"""
