# PostgreSQL servers of tests: that they do what other tests rely on, and end
# with the test, whatever happens to it.

use strict;
use warnings;

use lib 't/lib';
use Jamhook::Env;
use Jamhook::Pg;
use Test::More;

my $patience = 10 * $Jamhook::Env::PATIENCE;

Jamhook::Env::tmp();

# what a database gives

my $pg = Jamhook::Pg->new(durable => 1);

$pg->createdb('a');
$pg->do('a', 'create table x (a int, b text, c bytea, d bool)');
$pg->do('a', "insert into x values (1, 'caf\x{e9}', '\\x00ff', true),"
             . ' (2, null, null, false)');

is_deeply [$pg->rows('a', 'select * from x order by a')],
          [{ a => 1, b => "caf\x{e9}", c => "\0\xff", d => 1 },
           { a => 2, b => undef, c => undef, d => 0 }], 'rows are hashes';
is $pg->value('a', 'select count(*) from x'), 2, '... and a value one of them';
ok !eval { $pg->do('a', 'select nothing'); 1 }, '... and an error dies';
is $pg->connect('a', user => 'jamhook')->selectrow_array('select usesuper'
    . ' from pg_user where usename = current_user'), 0,
   'the user jamhook has no rights of others';

my $pid = fork;
if (!$pid) { POSIX::_exit(0) }
waitpid $pid, 0;
is $pg->value('a', 'select count(*) from x'), 2,
   'a child that ends does not end the session';

# a standby

my $standby = Jamhook::Pg->new(standby_of => $pg, sync => 1);

is Jamhook::Pg::uri_of('a', $pg, $standby), 'postgresql://jamhook@127.0.0.1:'
   . $pg->port . ',127.0.0.1:' . $standby->port
   . '/a?target_session_attrs=read-write', 'a URI of two';

$pg->do('a', 'insert into x values (3)');
$pg->kill9;
ok !eval { $pg->value('a', 'select 1') }, 'a server that was killed is gone';
$standby->promote;
is $standby->value('a', 'select count(*) from x'), 3,
   '... its standby has what was committed';
$standby->do('a', 'insert into x values (4)');

$pg->follow($standby);
$pg->start;
ok Jamhook::Env::wait_for(sub {
       $pg->value('a', 'select count(*) from x') == 4 }, $patience),
   '... and it comes back as the standby of that one';
ok !eval { $pg->do('a', 'insert into x values (5)'); 1 },
   '... which takes no writes';
$standby->restart('immediate');
is $standby->value('a', 'select count(*) from x'), 4,
   'what is committed outlives a crash';

# sessions

my $session = $standby->connect('a', user => 'jamhook');
is $standby->terminate('a'), 1, 'a session is ended';
ok !$session->ping, '... and gone';

# faults

my $slow = Jamhook::Pg->new(faults => 1);

$slow->createdb('a');
$slow->do('a', 'create table x (a int)');
$slow->faults->set(sync => 'ms=300');

my $time = Time::HiRes::time();
$slow->do('a', 'insert into x values (1)');
cmp_ok Time::HiRes::time() - $time, '>=', 0.3, 'a disk can be slow';
$slow->faults->clear;
$slow->faults->set(clock => 100 * 3_600_000);
is int(($slow->value('a', 'select extract(epoch from now())') - time) / 3600
       + 0.5), 100, '... and a clock stand elsewhere';
$slow->faults->clear;

# its end

for my $end ("kill 'KILL', \$\$", 'die "a test that dies\n"', 'exit 0') {
    my $said = `$^X -It/lib -MJamhook::Env -MJamhook::Pg -e '
        Jamhook::Env::tmp();
        my \$pg = Jamhook::Pg->new(name => "end");
        \$pg->do("postgres", "select 1");
        \$| = 1;
        print join " ", \$pg->all, "\n";
        $end;
    ' 2>&1`;
    my @pids = $said =~ /(\d+) /g;

    cmp_ok scalar @pids, '>', 3, 'a test has a server';
    ok Jamhook::Env::wait_for(sub {
           !grep { Jamhook::Env::is_running($_) } @pids }, $patience),
       "... and leaves none when it ends by: $end";
}

done_testing;
