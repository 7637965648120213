-- The public half is told by the private one, which is sealed: whoever can only write to this database puts in no key of their own.
alter table signing_keys drop column public_key;
