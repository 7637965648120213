-- From where somebody signed in before: whoever guesses at an account from elsewhere can't hold up its owner there.
alter table sign_in_attempts add column succeeded_at timestamptz;
