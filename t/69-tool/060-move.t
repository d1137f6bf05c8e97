# move: an SQLite store is taken over to PostgreSQL, whole or not at all, and
# nginx goes on with it there.

# modes: plain
# stores: pgsql

# also where it is run by itself
BEGIN { $ENV{JAMHOOK_TEST_STORE} = 'pgsql' }

use lib 't/lib', 't/57-endure', 't/69-tool';
use Test::More;
use Jamhook::Nginx;
use Jamhook::Store;
use Endure;
use Time::HiRes qw(sleep);
use Tool;

# the old store, whatever those of this run are
@Sqlite::ISA = 'Jamhook::Store';

my $target = Jamhook::Target->new("/a 200\n/b 500\n/p 200\n/h hang\n/s 200");
my $server = ingest('a b') . ingest('p', '/p-in') . ingest('h', '/h-in')
             . endpoint('a') . endpoint('b', 'jamhook_retry 1h;')
             . endpoint('p') . endpoint('h', 'jamhook_retry 1s 1s 1s 1s 1s;'
                                             . ' jamhook_timeout %{hang};');

sub old { return Sqlite->new(Jamhook::Env::tmp() . "/old-$_[0]") }
sub new { return Jamhook::Store->new('') }

sub nginx {
    my ($store, %opt) = @_;

    return Jamhook::Nginx->new(target => $target->port, store => $store,
                               server => $server, hang => '12s', %opt);
}

sub give {
    my ($nginx, $id, $body, $uri) = @_;

    return $nginx->send(Jamhook::event(id => $id, uri => $uri || '/jam',
                                       body => $body))->{status};
}

sub move {
    my ($old, $new, @more) = @_;

    return jamhook(['move', '--from=' . $old->dir, '--to=' . $new->uri, @more]);
}

# as an operator does who goes back
sub unmark {
    my ($old) = @_;

    $old->change("update meta set value = 1 where key = 'compatible'");
}

# all that stands in a store, but for numbers
sub all_of {
    my ($store) = @_;

    # text may hold what is no text
    my $bytes = sub {
        my ($column) = @_;
        my $hex = $store->pgsql
            ? "encode($column, 'hex')"
                  =~ s/type/convert_to(type, 'UTF8')/r : "lower(hex($column))";
        return "case when $column is not null then $hex end as "
               . $column =~ s/.*\.//r;
    };

    return {
        endpoints => [$store->rows('select name, paused, paused_at,'
            . ' failing_since, probe_at from endpoints order by name')],
        events => [$store->rows('select received_at, forgotten, id, source,'
            . ' event_id, created_at, conversation_id, jam_id, recording_url,'
            . ' key, headers, ' . $bytes->('type') . ', ' . $bytes->('body')
            . ' from events order by seq')],
        deliveries => [$store->rows('select e.id, p.name, d.state, d.class,'
            . ' d.next_at, d.attempts, d.replay, d.step, d.interrupted,'
            . ' d.trigger, d.claimed_at, d.changed_at from deliveries d'
            . ' join events e on e.seq = d.event'
            . ' join endpoints p on p.id = d.endpoint order by e.id, p.name')],
        attempts => [$store->rows('select e.id, p.name, a.number, a.trigger,'
            . ' a.result, a.started_at, a.duration, a.status, a.truncated,'
            . ' a.error, a.request_headers, a.response_headers, '
            . $bytes->('a.request_body') . ', ' . $bytes->('a.response_body')
            . ' from attempts a join events e on e.seq = a.event'
            . ' join endpoints p on p.id = a.endpoint order by a.seq')],
        rollups => [$store->rows('select span, at, name, slot, sum(n) as n'
            . ' from rollups r join endpoints p on p.id = r.endpoint'
            . ' group by 1, 2, 3, 4 order by 1, 2, 3, 4')],
    };
}


# a store with all that there can be in one

my $old = old('full');
my $nginx = nginx($old);
my $huge = '{"type":"x.y","data":{"fill":"' . 'x' x 900_000 . '"}}';

is give($nginx, 'm1', '{"type":"x.y","data":{"conversationId":"c1"}}'), 200,
   'events';
is give($nginx, 'm2', $huge), 200, '... one that is large';
is give($nginx, 'm3', '{"type":"x.y","data":{"t":"' . "\x{c3}\x{a9}\\u0000"
                      . '"}}'), 200, '... one with more than ASCII';
is give($nginx, 'm4', '{"type":"x.y","data":{"conversationId":"c4"}}'), 200,
   '... one to be forgotten';
is give($nginx, 'h1', '{}', '/h-in'), 200, '... one that hangs';
ok $old->wait_until(endpoint => 'a', succeeded => 4), '... sent';
ok $old->wait_until(endpoint => 'b', pending => 4), '... and failed';
ok $old->wait_until(endpoint => 'h', sending => 1), '... and under way';
my ($status, $out, $err) = jamhook(['-s', $old->dir, qw(forget -y m4)]);
is $status, 0, 'one is forgotten';

# while nginx uses it

my $new = new();
($status, $out, $err) = move($old, $new, '--wait=0');
is $status, 3, 'a store that nginx uses';
like $err, qr/nginx uses the old store \(1 worker\), nothing was moved/,
     '... is not moved, and that is said';
is $new->value('select count(*) from events'), 0, '... nothing is';
is give($nginx, 'm5', '{"type":"x.y"}'), 200, '... and nginx goes on';
ok $old->wait_until(endpoint => 'a', succeeded => 5), '... with it';

# it dies in the middle of an attempt; what we never wrote is in it as well

$nginx->kill_all;
$old->change("update endpoints set paused = 1, paused_at = 1234567890123"
             . " where name = 'p';"
             . " insert into deliveries (event, endpoint, state, changed_at)"
             . " select 1, id, 0, 77 from endpoints where name = 'p';"
             . " update events set type = cast(x'78ff0079' as text),"
             . " body = x'00ff10' where id = 'm3';"
             . " update events set body = x'' where id = 'm1';"
             . " update attempts set response_body = x'00ff' where seq = 1");
my $was = all_of($old);

# killed while it copies

SKIP: {
    my $lock = $new->server->connect($new->name);
    $lock->do('begin');
    $lock->do('lock table jamhook.attempts in exclusive mode');
    my $run = Tool->start('move', '--from=' . $old->dir, '--to=' . $new->uri);
    ok Jamhook::Env::wait_for(sub {
        $new->value("select count(*) from pg_stat_activity where datname ="
                    . " '" . $new->name . "' and wait_event_type = 'Lock'");
    }), 'it waits for others';
    $run->kill;
    $lock->disconnect;
    ok Jamhook::Env::wait_for(sub { !$new->users }), '... and is killed';
    is $new->value('select count(*) from events'), 0, '... nothing has arrived';
    is $new->value('select count(*) from deliveries'), 0, '... of deliveries';
    is_deeply all_of($old), $was, '... and nothing is changed';
}

# the new store loses something on the way

$new->change(q{
    create function tested.lose() returns trigger language plpgsql
        as 'begin return case when new.state = 2
            then null else new end; end';
    create trigger lose before insert on jamhook.deliveries for each row
        execute function tested.lose();
});
($status, $out, $err) = move($old, $new);
is "$status$out", 3, 'what does not arrive';
like $err, qr/7 deliveries and 5 attempts of .* 6, 12 and 10: nothing was/,
     '... is missed';
is $new->value('select count(*) from events'), 0, '... and nothing is moved';
$new->change('drop trigger lose on jamhook.deliveries');

# moved

($status, my $said) = decoded(['--json', 'move', '--from=' . $old->dir,
                               '--to=' . $new->uri]);
is $status, 0, 'move';
my $all = { events => 6, deliveries => 12, pending => 5, sending => 1,
            succeeded => 5, failed => 1, attempts => 10 };
is_deeply $said, { found => $all, added => $all, other_bodies => 0 },
          '... says what there was, and that it has arrived';

my $is = all_of($new);
for my $table (qw(endpoints events deliveries attempts rollups)) {
    my @want = @{ $was->{$table} };

    if ($table eq 'events') {
        my ($m3) = grep { $_->{id} eq 'm3' } @want;
        is $m3->{type}, '78ff0079', '... text that is none';
        $m3->{type} = '78efbfbdefbfbd79';
    }

    is_deeply $is->{$table}, \@want, "... $table, as they were";
}
is $new->check, 'ok', '... it fits together';

($status, $out, $err) = move($old, $new);
is $status, 3, 'a second time';
like $err, qr/nothing left to move/, '... there is nothing left';
($status, $out, $err) = jamhook(['-s', $old->dir, 'status']);
is $status, 3, 'nobody can use the old one';
like $err, qr/has taken all that was in it/, '... and learns why';
my $late = nginx($old, name => 'late');
is give($late, 'm9', '{}'), 503, '... nginx neither';
like join("\n", $late->log), qr/\[crit\].*has taken all .* name the new store/,
     '... which says what to do';
$late->ends_well(expected => [qr/has taken all/]);

unmark($old);
($status, $said) = decoded(['--json', 'move', '--from=' . $old->dir,
                            '--to=' . $new->uri, '--keep']);
is_deeply [$status, $said->{added}{events}, $said->{added}{deliveries},
           $said->{added}{attempts}], [0, 0, 0, 0],
          'one that was put back adds nothing twice';
is_deeply all_of($new), $is, '... not in any table';
is $new->check, 'ok', '... nor to the sums';

# and nginx goes on there

$target->set("/a 200\n/b 200\n/p 200\n/h 200");
$nginx = nginx($new, name => 'after');
ok $new->wait_until(endpoint => 'h', succeeded => 1, seconds => 20),
   'what was under way when it died is sent';
is $new->value("select count(*) from attempts a, events e where e.seq = a.event"
               . " and e.id = 'h1' and a.result = 2"), 1,
   '... after its end was noted';
is_deeply $new->counts('p'), { pending => 1, sending => 0, succeeded => 0,
                               failed => 0 }, 'what is paused is not sent';
($status) = jamhook(['-s', $new->uri, qw(replay m5 b)]);
is $status, 0, 'what waits can be hurried';
ok $new->wait_until(endpoint => 'b', succeeded => 1), '... and is sent';
is give($nginx, 'm2', $huge), 200, 'an event that was there';
like $nginx->send(Jamhook::event(id => 'm2', body => $huge))->{body},
     qr/duplicate/, '... is known';
$nginx->ends_well;


# without a pause: nginx is switched first, and works while the old store moves

$old = old('live');
$new = new();
$target->set("/a 200\n/b 500\n/p 200\n/h hang");
$nginx = nginx($old, name => 'live', hang => '8s');
is give($nginx, "o$_", qq({"type":"x.y","data":{"n":$_}})), 200, "old $_"
    for 1 .. 5;
ok $old->wait_until(endpoint => 'b', pending => 5, sending => 0), 'all tried';
is give($nginx, 'oh', '{}', '/h-in'), 200, 'one hangs';
ok $old->wait_until(endpoint => 'h', sending => 1), '... and is under way';

$nginx->configure(store_line => $new->line);
$nginx->signal('HUP');

my $n = 0;
ok $nginx->wait_for(sub {
    give($nginx, 'n' . ++$n, '{"type":"x.y"}');
    !$new->empty && $new->value('select count(*) from events');
}), 'new events go to the new store';
ok $nginx->wait_log(qr/gracefully shutting down/), '... and no more to the old';

my $run = Tool->start('move', '--from=' . $old->dir, '--to=' . $new->uri);
ok $run->wait_err(qr/1 worker of nginx still uses the old store, waiting/),
   'the old worker is waited for';
is give($nginx, 'o3', '{"type":"x.y","data":{"n":3}}'), 200,
   '... meanwhile one comes again';
is give($nginx, 'o4', '{"type":"x.y","data":{"n":"else"}}'), 200,
   '... and one with the same id';
my $there = $new->value('select count(*) from events');
$target->set("/a 200\n/b 500\n/p 200\n/h 200");
ok $run->wait(qr/\n  failed .*\n/), 'when it has ended';
is $run->finish, 0, '... it moves';
my $found = $old->value('select count(*) from events');
like $run->out, qr/^events +$found +@{[ $found - 2 ]} +2$/m,
     '... what was not there';
like $run->err, qr/1 event is in the new store with another body/,
     '... and says what was there otherwise';
is $new->value('select count(*) from events'), $there + $found - 2,
   'each event is there';
is $new->value('select count(distinct id) from events'), $there + $found - 2,
   '... once';
is $new->value("select count(*) from events where id ~ '^o'"), 6, '... all';
ok $new->wait_until(endpoint => 'h', succeeded => 1, seconds => 20),
   'what waited is sent';
is $new->counts('b')->{pending}, 5 + $n, 'retries wait for their time';
is $new->check, 'ok', 'it fits together';
$nginx->ends_well;


# numbers that are kept free for this: what is moved stands where its time is,
# of several stores, and before what came in by the new one

$new = new();
my @old = map { old("time$_") } 1, 2;
my $now = time;

for my $i (0, 1) {
    my $by = nginx($old[$i], name => "time$i");
    give($by, "t$i$_", '{"type":"x.y"}') for 1 .. 3;
    $old[$i]->wait_until(endpoint => 'b', pending => 3, sending => 0);
    $by->stop;
    $old[$i]->change('update events set received_at = ' . ($now - 3600)
                     . "000 + 1000 * seq + $i;"
                     . ' update attempts set started_at = ' . ($now - 3600)
                     . "000 + 1000 * seq + $i, duration = 7");
}

# the same moment, too
$old[1]->change('update events set received_at = received_at - 1'
                . ' where seq = 2');

# rows that nothing belongs to, and one that was written twice
$old[0]->change('insert into deliveries (event, endpoint, state, changed_at)'
                . ' values (999, 1, 0, 1), (1, 999, 0, 1);'
                . ' insert into attempts (event, endpoint, number, trigger,'
                . ' result, started_at, duration, status, truncated)'
                . ' select event, endpoint, number, trigger, result,'
                . ' started_at, duration, status, truncated from attempts'
                . ' where seq = 6');

$nginx = nginx($new, name => 'time');
ok $nginx->wait_for(sub { $new->users }), 'nginx makes the tables';
is give($nginx, 't9', '{"type":"x.y"}'), 200, 'one event comes by itself';
($status, $out, $err) = move($old[0], $new);
is $status, 0, 'a store is moved';
like $err, qr/^jamhook: 2 deliveries and attempts were left behind/,
     '... but for what belongs to nothing';
like $out, qr/^attempts +6 +6 +0$/m, '... and what is there twice';
($status, $out, $err) = move($old[1], $new);
is "$status$err", '0', '... and another one';
is join(' ', map { $_->{id} } $new->rows('select id from events order by seq')),
   't01 t11 t02 t12 t03 t13 t9', '... all in the order of their times';
is $new->value('select count(*) from (select a.seq, lag(a.started_at) over'
               . ' (order by a.seq) > a.started_at as back from attempts a'
               . ' where a.seq < 1000000000000000) x where back'), 0,
   '... and so are attempts';
($status, $said) = decoded(['-s', $new->uri, qw(--json events --since=30m)]);
is join(' ', map { $_->{id} } @{ $said->{data} }), 't9', '... they are found';
($status, $said) = decoded(['-s', $new->uri, qw(--json events --until=30m)]);
is join(' ', map { $_->{id} } @{ $said->{data} }), 't13 t03 t12 t02 t11 t01',
   '... by it';
is give($nginx, 't8', '{"type":"x.y"}'), 200, 'a further one';
is $new->value('select id from events order by seq desc limit 1'), 't8',
   '... is the last';
is $new->check, 'ok', 'it fits together';
$nginx->ends_well;


# what cannot be

($status, $out, $err) = jamhook(['move', '--from=' . $old->dir]);
is $status, 2, 'without --to';
($status, $out, $err) = jamhook(['move', '--from=/nonexistent',
                                 '--to=' . $new->uri]);
is $status, 3, 'from a directory that is not there';
like $err, qr/no store in "\/nonexistent"/, '... is said';
($status, $out, $err) = jamhook(['move', '--from=' . $old->dir,
    '--to=postgresql://jamhook:secret1@127.0.0.1:1/x']);
is $status, 3, 'to a server that is not there';
like $err, qr/refused/, '... is said';
unlike $err, qr/secret1/, '... without a password';

done_testing;
