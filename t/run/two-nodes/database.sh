#!/bin/sh
# Two nodes: their user and their database. Run once, as the user postgres, on
# the server that takes writes. What it prints is the nodes' password file:
#
#   umask 077; ./database.sh > pgpass
#
# The nodes make the tables themselves when they first come.

set -eu

password=$(openssl rand -hex 24)

# by standard input, for others see a program's arguments, and not into the log
psql -X -q -v ON_ERROR_STOP=1 -d postgres <<END
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
CREATE ROLE jamhook LOGIN PASSWORD '$password';
CREATE DATABASE jamhook OWNER jamhook ENCODING 'UTF8' TEMPLATE template0;
END

echo "*:*:jamhook:jamhook:$password"
