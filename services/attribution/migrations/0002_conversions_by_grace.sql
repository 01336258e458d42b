-- A changed fact goes through the conversions still in grace, in this order.
CREATE INDEX conversions_by_grace ON conversions (grace_ends_at, conversion_id);
DROP INDEX conversions_by_market;
