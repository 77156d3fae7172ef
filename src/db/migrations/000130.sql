-- How many decisions a call had after a postback: the order in which postbacks were applied. Clocks do not
-- tell it: a transaction that waited for the call may have begun first, and clocks are set back. Null for what
-- was turned away before its call was looked at, and for what came before this column.
alter table postbacks add column revision int;
