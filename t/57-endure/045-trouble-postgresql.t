# A PostgreSQL that does not work: nginx runs on, the sender is told to come
# again, one line says what to do, and when the cause is gone it goes on by
# itself.
#
# stores: pgsql pgsql-palloc

use lib 't/lib', 't/57-endure';
BEGIN { $ENV{JAMHOOK_TEST_STORE} = 'pgsql' }
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;
use Trouble;

# by the superuser, in the store's database
sub sql {
    my ($nginx, $sql) = @_;

    $nginx->pg->do($nginx->store->name, $sql =~ s/DB/$nginx->store->name/ger);
}

# the same, and nginx's sessions begin anew
sub anew {
    my ($nginx, $sql) = @_;

    sql($nginx, $sql);
    $nginx->pg->terminate;
}

# no server

my $runs = qr/look whether the server runs.*synchronous_standby_names/;

trouble('a server that is stopped', advice => $runs,
    like => qr/refused|terminating|closed|shut/,
    break => sub { $_[0]->pg->stop },
    mend => sub { $_[0]->pg->start });

trouble('a server that is killed', advice => $runs,
    like => qr/refused|closed/,
    break => sub { $_[0]->pg->kill9 },
    mend => sub { $_[0]->pg->start });

trouble('no server at the start', stopped => 1, nginx => { stopped => 1 },
    advice => $runs, like => qr/refused/,
    break => sub { $_[0]->pg->stop },
    mend => sub { $_[0]->pg->start });

trouble('a server that takes no more connections', advice => $runs,
    like => qr/too many connections/,
    break => sub { anew($_[0], 'alter role jamhook connection limit 0') },
    mend => sub { sql($_[0], 'alter role jamhook connection limit -1') });

# one that lets nobody in

my $rights = qr/look at the user, at the password/;

sub hba {
    my ($nginx, $how) = @_;

    my $file = $nginx->pg->data . '/pg_hba.conf';
    my $lines = Jamhook::Env::slurp($file) =~ s/^host all jamhook .*\n//mr;

    open my $fh, '>', $file or die $!;
    print $fh "host all jamhook 127.0.0.1/32 $how\n$lines\n";
    close $fh;
    $nginx->pg->do('postgres', 'select pg_reload_conf()');

    # the signal has to come first
    $nginx->wait_for(sub {
        my $dbh = eval { $nginx->pg->connect('postgres', user => 'jamhook') };
        $dbh && $dbh->disconnect;
        return $how eq 'trust' ? $dbh : !$dbh;
    });
    $nginx->pg->terminate;
}

trouble('a password that is missing', advice => $rights,
    like => qr/password/,
    break => sub { hba($_[0], 'scram-sha-256') },
    mend => sub { hba($_[0], 'trust') });

trouble('a host that is not let in', advice => $rights,
    like => qr/pg_hba\.conf/,
    break => sub { hba($_[0], 'reject') },
    mend => sub { hba($_[0], 'trust') });

trouble('a user who may not log in', advice => $rights,
    like => qr/not permitted to log in/,
    break => sub { anew($_[0], 'alter role jamhook nologin') },
    mend => sub { sql($_[0], 'alter role jamhook login') });

# of all tables
sub owner {
    my ($nginx, $user) = @_;

    sql($nginx, "alter table jamhook.$_->{name} owner to $user")
        for $nginx->store->rows('select tablename as name from pg_tables where'
                                . " schemaname = 'jamhook'");
}

trouble('a user without rights', advice => $rights,
    like => qr/permission denied/,
    break => sub { owner($_[0], 'postgres') },
    mend => sub { owner($_[0], 'jamhook') });

# what is there

trouble('a database that is not there', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/does not exist/, advice => qr/look whether the database is/,
    break => sub {
        my ($nginx) = @_;
        my $db = $nginx->store->name;
        $nginx->pg->forget($db);
        $nginx->pg->do('postgres', "alter database $db rename to away");
    },
    mend => sub {
        my $db = $_[0]->store->name;
        $_[0]->pg->do('postgres', "alter database away rename to $db");
    });

trouble('a user who may not make the store', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/jamhook/, advice => qr/what "jamhook schema" prints/,
    break => sub { sql($_[0], 'alter database DB owner to postgres') },
    mend => sub { sql($_[0], 'alter database DB owner to jamhook') });

trouble('a store of a later version', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/later version/, advice => qr/install the version/,
    break => sub {
        my ($nginx) = @_;
        $nginx->start;
        $nginx->wait_for(sub { answer($nginx)->{status} == 200 });
        $nginx->store->idle;
        $nginx->stop;
        sql($nginx, 'update jamhook.meta set value = 999');
    },
    mend => sub { sql($_[0], 'update jamhook.meta set value = 1') });

trouble('a database that is read only',
    like => qr/read-only/, advice => qr/this is a standby, or set to read/,
    break => sub {
        anew($_[0], 'alter database DB set default_transaction_read_only = on')
    },
    mend => sub {
        # the session's own came too
        $_[0]->pg->forget($_[0]->store->name);
        $_[0]->pg->do('postgres', 'alter database ' . $_[0]->store->name
                                  . ' reset default_transaction_read_only');
        $_[0]->pg->forget($_[0]->store->name);
    });

# A full disk. What is free in the tables' files is used up, now and then.

{
    my $nginx = nginx('full', pg => { faults => 'base' });
    my @large = (body => '{"a":"' . join('', map { rand } 1 .. 4000) . '"}');
    my $answer;

    is answer($nginx, @large)->{status}, 200, 'a disk has room';
    $nginx->store->idle;
    $nginx->pg->faults->set(write => 'ENOSPC');

    ok $nginx->wait_for(sub {
           is_problem($answer = answer($nginx, @large)) }, 20),
       '... when it has none events get 503' or diag explain $answer;
    ok $nginx->wait_log($CRIT), '... the log tells';
    like +(grep { $_ =~ $CRIT } $nginx->log)[0], qr/space.*make room/,
         '... what is wrong, and what to do';
    $nginx->pg->faults->clear;
    ok $nginx->wait_for(sub { answer($nginx, @large)->{status} == 200 },
                        $soon), '... and with room again they are taken';
    ok $nginx->wait_log($WELL), '... as the log says';
    ok $nginx->store->idle, '... and delivered';
    is $nginx->store->check, 'ok', '... from a store that is whole';
    $nginx->ends_well(expected => [$CRIT]);
}

# the schema is dropped while it is in use

{
    my $nginx = nginx('dropped');

    answer($nginx) for 1 .. 3;
    $nginx->store->idle;
    sql($nginx, 'drop schema jamhook cascade');

    my $answer;
    ok $nginx->wait_for(sub { ($answer = answer($nginx))->{status} == 200 },
                        $soon + 1),
       'a store that is dropped while it is in use is made anew';
    is $nginx->store->value("select count(*) from events where id = '$id'"), 1,
       '... and has what was answered 200';
    is $nginx->logged($CRIT), 1, '... one line tells';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }), '... and one more';
    is $nginx->logged(qr/newly made/), 2, '... and that it was newly made';
    ok $nginx->store->idle, '... and it works';
    $nginx->ends_well(expected => [$CRIT]);
}

# a transaction that does not end

{
    my $nginx = nginx('locked');

    answer($nginx);
    $nginx->store->idle;

    my $other = $nginx->pg->connect($nginx->store->name);

    $other->do('begin');
    $other->do('lock table jamhook.events in exclusive mode');

    my $time = time;
    my $answer = answer($nginx);
    my $waited = time - $time;
    ok is_problem($answer), 'a locked store: an event gets 503';
    ok $waited > 4 && $waited < 11, '... after 5 s' or diag $waited;
    ok is_problem(answer($nginx)), '... the next one too';
    is $nginx->get('/other')->{status}, 204, '... the rest of nginx answers';
    ok $nginx->wait_for(sub { $nginx->logged($CRIT) == 1 }),
       '... one line tells';
    like +(grep { $_ =~ $CRIT } $nginx->log)[0],
         qr/lock.*look into pg_stat_activity and pg_locks/, '... what to do';

    $other->do('rollback');
    $other->disconnect;
    ok $nginx->wait_for(sub { answer($nginx)->{status} == 200 }, $soon),
       '... soon after its end events are taken again';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }),
       '... and one line says so';
    ok $nginx->store->idle, '... and they are delivered';
    $nginx->ends_well(expected => [$CRIT]);
}

done_testing;
