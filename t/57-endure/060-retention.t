# jamhook_retention and max_size: what is finished goes, what is due stays, and
# a store that is full takes no new event but finishes what it has.
#
# Seconds are too short for valgrind; what it may wait for is in 065-reloads.t.
#
# modes: plain san palloc
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Jamhook::Store;
use Endure;

my $target = Jamhook::Target->new;

sub left {
    my ($nginx, $table) = @_;

    return $nginx->store->value("select count(*) from $table");
}

# how many deliveries the log says were given up: (paused, unknown)
sub given_up {
    my ($nginx) = @_;

    my @n = (0, 0);

    for ($nginx->log) {
        next unless /\[warn\].*gave\ up\ deliveries\ older.*:\ (\d+)\ to\ paused
                     \ endpoints,\ (\d+)\ to/x;
        $n[0] += $1;
        $n[1] += $2;
    }

    return @n;
}

# what is finished

{
    $target->set("/e 500 | 200\n/f 400");
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'finished', http => 'jamhook_retention 5s;',
        server => ingest('e f') . endpoint('e', 'jamhook_retry 100ms;')
                  . endpoint('f', 'jamhook_retry off;'));

    my $time = time;
    put($nginx, ids('a', 1 .. 5));
    ok $nginx->store->wait_until(succeeded => 5, failed => 5),
       'deliveries are finished';

    ok $nginx->wait_for(sub { left($nginx, 'events') < 5 }, 30),
       '... and go with their events';
    cmp_ok time - $time, '>=', 5, '... not before jamhook_retention';
    ok $nginx->wait_for(sub { left($nginx, 'events') == 0 }), '... all of them';
    is left($nginx, 'deliveries'), 0, '... no delivery is left';
    is left($nginx, 'attempts'), 0, '... nor an attempt';
    is join(' ', given_up($nginx)), '0 0', '... none of them was given up';

    my $before = $target->requests;
    like $nginx->send(Jamhook::event(body => '{"a":1}', id => 'a1'))->{body},
         qr/"stored"/, '... and its id is new when it comes again';
    $nginx->store->idle;
    $nginx->ends_well;
}

# what waits: for an active endpoint, a paused one, one that is not there

{
    $target->set("/active 500\n/paused 410\n/gone 500");
    my $server = ingest('active', '/active-in')
        . endpoint('active', 'jamhook_retry 60s 60s;');
    my $more = ingest('paused', '/paused-in') . ingest('gone', '/gone-in')
        . endpoint('paused', 'jamhook_retry 60s;')
        . endpoint('gone', 'jamhook_retry 60s;');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'waits', server => "$server$more", workers => 2,
        http => 'jamhook_retention 5s;');

    sub to {
        my ($name, @ids) = @_;
        $nginx->send(Jamhook::event(body => '{"a":1}', id => $_,
                                    uri => "/$name-in")) for @ids;
    }

    to('paused', 'p0');
    ok $nginx->store->wait_until(endpoint => 'paused', failed => 1),
       'an endpoint that answers 410';
    ok $nginx->wait_for(sub { $nginx->store->value(
        "select paused from endpoints where name = 'paused'") }),
       '... is paused';

    my $time = time;
    to('active', ids('a', 1 .. 3));
    to('paused', ids('p', 1 .. 4));
    ok $nginx->store->wait_until(endpoint => 'paused', pending => 4),
       '... and what comes for it waits';

    ok $nginx->wait_for(sub { (given_up($nginx))[0] == 4 }, 30),
       '... until jamhook_retention, then it is given up'
       or diag join ' ', given_up($nginx);
    cmp_ok time - $time, '>=', 5, '... not before';
    ok $nginx->wait_for(sub {
           $nginx->store->value("select count(*) from events"
                                . " where id like 'p%'") == 0 }),
       '... and goes';

    # an endpoint that no configuration has

    to('gone', ids('g', 1 .. 3));
    ok $nginx->store->wait_until(endpoint => 'gone', pending => 3),
       'deliveries wait for their next try';
    ok $nginx->reload(server => $server), '... their endpoint is taken out';
    ok $nginx->wait_for(sub { (given_up($nginx))[1] == 3 }, 40),
       '... after jamhook_retention they are given up'
       or diag join ' ', given_up($nginx);
    ok $nginx->wait_for(sub {
           $nginx->store->value("select count(*) from events"
                                . " where id like 'g%'") == 0 }),
       '... and go';
    is join(' ', given_up($nginx)), '4 3', '... the log counts each once';

    is_deeply $nginx->store->counts('active'),
              { pending => 3, sending => 0, succeeded => 0, failed => 0 },
              'what waits for an active endpoint stays';
    is left($nginx, 'events'), 3, '... with its events';
    is left($nginx, 'attempts'), 3, '... and attempts';
    $nginx->ends_well;
}

# steady load

{
    $target->set('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'load', http => 'jamhook_retention 1s;', level => 'warn',
        pg => { conf => 'autovacuum_naptime = 1s' },
        server => ingest('e') . endpoint('e'));
    my $sender = Endure->new($nginx, 'x', pause => 0.02,
                             body => '{"a":"' . 'x' x 20_000 . '"}');

    # PostgreSQL's are in files of their own, which VACUUM lets be filled again
    sub bytes {
        return $nginx->store->pgsql
               ? $nginx->store->value("select sum(pg_total_relation_size(oid))"
                   . " from pg_class where relkind = 'r' and relnamespace ="
                   . " 'jamhook'::regnamespace")
               : -s $nginx->store->file;
    }

    # till it has gone round twice
    my $time = time;
    $sender->wait(100, 30);
    $nginx->wait_for(sub { time - $time > 4 }, 10);
    my ($size, $sent, $later, $more);

    # what is in it depends on how fast they come, which may change; were
    # nothing removed, it would grow each time
    for (1 .. 3) {
        ($size, $sent) = (bytes(), scalar keys %{ $sender->sent });
        my $until = time + 5;
        $sender->wait(int(1.7 * $sent) + 1, 60);
        $nginx->wait_for(sub { time > $until }, 10);
        ($later, $more) = (bytes(), scalar keys %{ $sender->sent });
        last if $later < 1.5 * $size;
    }

    $sender->stop;

    cmp_ok $more, '>', 1.5 * $sent, 'events come in all the time';
    cmp_ok $later, '<', 1.5 * $size, '... and the file grows no more'
        or diag "$size bytes after $sent events, $later after $more";
    cmp_ok $more * 20_000, '>', 1.5 * $later,
           '... though it could not hold all of them';
    ok $nginx->wait_for(sub { left($nginx, 'events') == 0 }, 30),
       '... and in the end none is left';
    is $nginx->store->check, 'ok', '... of a store that is whole';
    $nginx->ends_well;
}

# a store that is full, by its max_size: a server has none

if (!$Jamhook::Store::PGSQL) {
    $target->set('500');
    my $nginx = Jamhook::Nginx->new(target => $target->port,
        store => 'max_size=1m', name => 'full',
        http => 'jamhook_retention 8s;', server => ingest('e')
        . endpoint('e', 'jamhook_retry ' . '500ms ' x 60 . ';'));
    my $body = '{"a":"' . 'x' x 30_000 . '"}';
    my ($n, $answer) = 0;

    do {
        $answer = $nginx->send(Jamhook::event(body => $body, id => 'f' . ++$n));
    } while $answer->{status} == 200 && $n < 100;

    my $time = time;
    ok is_problem($answer), 'a store that is full: 503 unavailable';
    like $answer->{body}, qr/max_size/, '... which says why';
    cmp_ok $n, '>', 10, '... after as much as it may hold';
    cmp_ok -s $nginx->store->file, '<', 2 * 1024 * 1024, '... and no more';
    is $nginx->logged(qr/\[crit\]/), 0, '... it is no trouble of the store';

    my $dup = $nginx->send(Jamhook::event(body => $body, id => 'f1'));
    like $dup->{body}, qr/"duplicate"/, '... what it has is a duplicate still';

    # deliveries and outcomes

    my $attempts = left($nginx, 'attempts');
    ok $nginx->wait_for(sub { left($nginx, 'attempts') > $attempts }),
       '... attempts are made and written down';
    $target->set('200');
    ok $nginx->store->wait_until(pending => 0, sending => 0, failed => 0,
                                 succeeded => $n - 1),
       '... and deliveries succeed' or diag explain $nginx->store->counts;

    ok $nginx->wait_for(sub {
           ($answer = $nginx->send(Jamhook::event(body => $body,
                                                  id => 'f' . ++$n)))
               ->{status} == 200 }, 40),
       '... when retention made room events are taken again';
    like $answer->{body}, qr/"stored"/, '... and stored';
    ok $nginx->store->idle, '... and delivered';
    $nginx->ends_well;
}

done_testing;
