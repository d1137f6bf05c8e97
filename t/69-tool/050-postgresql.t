# The command line and PostgreSQL: how it gets in, what it says where it does
# not, and the script that makes the tables.

# modes: plain
# stores: pgsql

use lib 't/lib', 't/57-endure', 't/69-tool';
use Test::More;
use Jamhook::Nginx;
use Jamhook::Store;
use Jamhook::Pg;
use Endure;
use Tool;

my $pg = Jamhook::Pg->new(name => 'own');
my $target = Jamhook::Target->new("/a 200\n/b 500");
my $server = ingest('a b') . endpoint('a') . endpoint('b', 'jamhook_retry 1h;');
my $tmp = Jamhook::Env::tmp();

$pg->createdb('one');

sub uri {
    my ($user, $db, $more) = @_;

    return "postgresql://$user\@127.0.0.1:" . $pg->port . "/$db"
           . (defined $more ? "?$more" : '');
}

sub psql {
    my ($db, $sql) = @_;

    Jamhook::Env::write_file("$tmp/script.sql", $sql, 0644);
    my $uri = uri('postgres', $db);
    my $said = `psql -Xq -v ON_ERROR_STOP=1 -d '$uri' -f $tmp/script.sql 2>&1`;

    return $? >> 8, $said;
}

# what there is nothing of

my ($status, $out, $err) = jamhook(['-s', uri('jamhook', 'one'), 'status']);
is $status, 3, 'a database without tables';
like $err, qr/has no tables of jamhook; nginx makes the tables when it starts/,
     '... is said, and what to do';
is $pg->value('one', "select to_regnamespace('jamhook') is null"), 1,
   '... and none are made';

for (['of no server', 'postgresql://jamhook:geheim@127.0.0.1:1/one',
      'refused.*look whether the server runs'],
     ['of no database', uri('jamhook:geheim', 'nothing'),
      '"nothing" does not exist.*look whether the database is there'],
     ['with a port that is none', 'postgresql://jamhook:geheim@h:70000/one',
      'a port is a number'],
     ['with a password that is not escaped', 'postgresql://jamhook:ge@heim@h/x',
      '%40'],
     ['with a parameter that is none', uri('jamhook', 'one', 'geheim=1'),
      'invalid URI query parameter'])
{
    my ($name, $uri, $pattern) = @$_;
    ($status, $out, $err) = jamhook(['-s', $uri, 'status']);
    is "$status$out", 3, "a URI $name";
    like $err, qr/$pattern/, '... is said to be';
    unlike $err, qr/heim@|:geheim/, '... without its password';
    is scalar(() = $err =~ /\n/g), 1, '... on one line';
}

# the script, for one who may not make tables

my ($script, $said);
($status, $script) = jamhook(['schema']);
is $status, 0, 'schema';
like $script, qr/^BEGIN;\n.*^CREATE\ SCHEMA\ .*^CREATE\ TABLE\ jamhook.events
                 .*^CREATE\ VIEW\ .*^COMMIT;\n\z/msx, '... is a transaction';
like $script, qr/^-- GRANT USAGE ON SCHEMA jamhook TO NAME;\n/m,
     '... with rights as comments';
($status, $script, $err) = jamhook(['schema', '--user=']);
is $status, 2, '... for a user without a name';
($status, $script) = jamhook(['schema', '--user=we "b']);
is $status, 0, '... for a user';
unlike $script, qr/^-- GRANT/m, '... with his rights';

$pg->do('postgres', 'create role "we ""b" login password \'geheim\'');
$pg->do('postgres', 'create database two');
$pg->do('two', 'revoke create on schema public from public');
my $two = uri('we%20%22b', 'two');

my $nginx = Jamhook::Nginx->new(target => $target->port, server => $server,
    store_line => "jamhook_store $two;", name => 'two');
is $nginx->send(Jamhook::event(id => 'm1', body => '{}'))->{status}, 503,
   'without tables';
ok $nginx->wait_log(qr/\[crit\].*may not make them.*jamhook schema/),
   '... nginx says what to do';

is_deeply [psql('two', $script)], [0, ''], 'the script makes them';
my ($again) = psql('two', $script);
isnt $again, 0, '... once';
ok $nginx->wait_for(sub {
    $nginx->send(Jamhook::event(id => 'm1', body => '{}'))->{status} == 200;
}, 30), '... nginx goes on by itself';
ok $nginx->wait_for(sub {
    $pg->value('two', 'select count(*) from jamhook.attempts') == 2
}), '... and sends';
($status, $out) = jamhook(['-s', $two, qw(show m1)]);
like $out, qr/^delivery to a: succeeded/m, '... what jamhook sees';
($status, $out) = jamhook(['-s', $two, qw(replay m1 b)]);
is $status, 0, '... and changes';
ok $nginx->wait_for(sub {
    $pg->value('two', 'select count(*) from jamhook.attempts') == 3
}), '... nginx is told';
($status, $out) = jamhook(['-s', $two, qw(forget -y m1)]);
is $status, 0, '... it forgets';

# an SQLite store comes in by that user, too

@Sqlite::ISA = 'Jamhook::Store';
my $old = Sqlite->new("$tmp/old");
my $other = Jamhook::Nginx->new(target => $target->port, server => $server,
                                store => $old, name => 'old');
is $other->send(Jamhook::event(id => "o$_", body => '{}'))->{status}, 200,
   "an event of another store" for 1 .. 3;
ok $old->wait_until(endpoint => 'a', succeeded => 3), '... sent';
ok $old->wait_until(endpoint => 'b', pending => 3), '... tried';
$other->ends_well;
($status, $out, $err) = jamhook(['move', '--from=' . $old->dir, "--to=$two"]);
is "$status$err", '0', 'is moved';
is $pg->value('two', 'select count(*) from jamhook.events'), 4, '... there';
$nginx->ends_well(expected => [qr/may not make them/]);

# who may not even read

($status, $out, $err) = jamhook(['-s', uri('jamhook', 'two'), 'status']);
is $status, 3, 'a user without rights';
like $err, qr/permission denied.*look at the user/, '... learns it';

# passwords

Jamhook::Env::write_file($pg->data . '/pg_hba.conf',
    "local all all trust\nhost all postgres 127.0.0.1/32 trust\n"
    . "host all all 127.0.0.1/32 scram-sha-256\n", 0644);
$pg->do('postgres', "select pg_reload_conf()");

ok Jamhook::Env::wait_for(sub {
    ($status, $out, $err) = jamhook(['-s', $two, 'status']);
    $status == 3;
}), 'without its password';
like $err, qr/no password supplied; look at .*passfile=, PGPASSFILE/,
     '... it says so';
($status, $out, $err) = jamhook(['-s', uri('we%20%22b:wrong1', 'two'),
                                 'status']);
is $status, 3, 'with a wrong one';
like $err, qr/password authentication failed/, '... as well';
unlike $err, qr/wrong1/, '... without it';

Jamhook::Env::write_file("$tmp/pass", "127.0.0.1:*:two:we \"b:geheim\n", 0600);
($status, $out, $err) = jamhook(['-s', "$two?passfile=$tmp/pass", 'status']);
is "$status$err", '0', 'with passfile=';
{
    local $ENV{PGPASSFILE} = "$tmp/pass";
    ($status, $out, $err) = jamhook(['-s', $two, 'status']);
    is "$status$err", '0', 'with PGPASSFILE';
    local $ENV{JAMHOOK_STORE} = $two;
    ($status, $out, $err) = jamhook(['status']);
    is "$status$err", '0', 'with JAMHOOK_STORE';
}
{
    Jamhook::Env::write_file("$tmp/service", "[hooks]\nhost=127.0.0.1\nport="
        . $pg->port . "\ndbname=two\nuser=we \"b\npassword=geheim\n", 0600);
    local $ENV{PGSERVICEFILE} = "$tmp/service";
    ($status, $out, $err) = jamhook(['-s', 'postgresql:///?service=hooks',
                                     'status']);
    is "$status$err", '0', 'with a service';
}

# what is not PostgreSQL's own

$pg->do('two', "update jamhook.meta set value = 99 where key = 'compatible'");
($status, $out, $err) = jamhook(['-s', uri('postgres', 'two'), 'status']);
is $status, 3, 'a store of a later version';
like $err, qr/made by a later version.*use the jamhook of that version/,
     '... is left alone';

done_testing;
