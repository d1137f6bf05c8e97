# replay and forget, beside an nginx that runs and without it; log -f.

# modes: plain san palloc
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure', 't/69-tool';
use Test::More;
use Jamhook::Nginx;
use Endure;
use Tool;

my $target = Jamhook::Target->new("/a 200\n/b 500\n/h hang");
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    server => ingest('a b') . ingest('h', '/h-in')
              . endpoint('a') . endpoint('b', 'jamhook_retry 1h;')
              . endpoint('h', 'jamhook_retry off;'));
my $store = $nginx->store;
my @dir = ('-s', $store->place);

sub give {
    my ($id, $conversation, $uri) = @_;

    return $nginx->send(Jamhook::event(id => $id, uri => $uri || '/jam',
        body => qq({"type":"x.y","data":{"conversationId":"$conversation",)
                . '"filler":"' . "$conversation " x 2000 . '"}}'))->{status};
}

# where in the store's files, or tables, the text stands
sub found {
    my ($text) = @_;

    return index($store->text, $text) >= 0 ? 'tables' : ''
        if $store->pgsql;

    return join ' ', map { s{.*/}{}r }
           grep { index(Jamhook::Env::slurp($_), $text) >= 0 }
           glob $store->dir . '/*';
}

is give($_->[0], $_->[1]), 200, "$_->[0]"
    for ['m1', 'alice1'], ['m2', 'bob22'], ['m3', 'alice1'], ['m5', 'eve555'],
        ['m4', 'carol3'];
ok $store->wait_until(succeeded => 5, pending => 5), 'tried once each';

# replay, beside nginx

my $follow = Tool->start(@dir, qw(log -f -n 1 --endpoint=a));
ok $follow->wait(qr/ a .* m\d\n/), 'log -f shows the last one';

my ($status, $out, $err) = jamhook([@dir, qw(replay m1 a)]);
is $status, 0, 'replay to one endpoint';
like $out, qr/^1 delivery is due/, '... says what it did';
ok $follow->wait(qr/ manual .* m1\n/), '... nginx sends it, and log -f goes on';
unlike $follow->out, qr/ b /, '... with what it was asked for';
is scalar(grep { $_->{path} eq '/a' } $target->requests), 6,
   '... to the target';

my ($code, $said) = decoded([@dir, qw(--json replay m1)]);
is_deeply [$code, $said], [0, { replayed => 2 }], 'replay to all it has';
ok $follow->wait(qr/ manual .* m1\n.* manual .* m1\n/s), '... arrives too';
$follow->stop;
ok $store->wait_until(pending => 5, sending => 0), '... at both';

for (['replay m9', 'no event "m9"'], ['replay m1 h', 'no delivery to that'],
     ['replay m1 nobody', 'no endpoint "nobody"'])
{
    ($status, $out, $err) = jamhook([@dir, split / /, $_->[0]]);
    is "$status$out", '1', $_->[0];
    like $err, qr/$_->[1]/, '... says why not';
}

# what is being sent

is give('h1', 'dave44', '/h-in'), 200, 'one that hangs';
ok $store->wait_until(endpoint => 'h', sending => 1), '... is being sent';
for (['replay', 'h1'], ['forget', '-y', 'h1']) {
    ($status, $out, $err) = jamhook([@dir, @$_]);
    is $status, 1, "... $_->[0]: no";
    like $err, qr/is being sent/, '... for that reason';
}
($code, $said) = decoded([@dir, qw(--json forget -y --conversation=dave44)]);
is_deeply [$code, $said], [1, { forgotten => 0, sending => 1 }],
          '... nor with its conversation';
isnt found('dave44'), '', '... it is all there';

# forget, beside nginx

ok found('alice1'), 'a conversation stands in the store';
($status, $out, $err) = jamhook([@dir, qw(forget --conversation=alice1)]);
is $status, 2, 'forget does not go without --yes or a terminal';
like $err, qr/--yes/, '... and says so';
($status, $out) = jamhook([@dir, qw(forget --conversation=alice1 --yes)]);
is $status, 0, 'forget a conversation';
is $out, "2 events forgotten\n", '... says how many';
is found('alice1'), '', '... and nothing of it is left in any file';
isnt found('bob22'), '', '... but what others said';
($status, $out) = jamhook([@dir, qw(show m1)]);
like $out, qr/^forgotten .*^delivery to a: succeeded/ms, '... it is shown so';
($status, $out, $err) = jamhook([@dir, qw(show --raw m1)]);
is "$status$out", 1, '... and has no body';
($status, $out, $err) = jamhook([@dir, qw(replay m1)]);
is $status, 1, '... nor can it be replayed';
($status, $out, $err) = jamhook([@dir, qw(forget --conversation=alice1 -y)]);
is $status, 1, '... nor forgotten twice';

# asked at a terminal

SKIP: {
    skip 'no script(1)', 7 if !-x '/usr/bin/script';

    for (['n', 1, 'nothing was changed'], ['', 1, 'nothing was changed'],
         ['y', 0, '1 event forgotten'])
    {
        my ($answer, $code, $pattern) = @$_;
        my $command = "$Tool::JAMHOOK @dir forget m5";
        my $typed = "(sleep 0.5; echo $answer; sleep 0.5)";
        my $said = `$typed | script -qec '$command' /dev/null`;
        is $? >> 8, $code, "asked, with the answer \"$answer\"";
        like $said, qr/of 1 event .*\[y\/N\].*$pattern/s, '... it does so';
    }

    is found('eve555'), '', '... in the end';
}

# while another reads, which keeps SQLite's file from being cleaned

if (!$store->pgsql) {
    my $reader = "sqlite3 " . $store->file . " 'begin'"
                 . " 'select count(*) from events' '.system sleep 3'"
                 . ' > /dev/null';
    my $pid = fork;
    exec '/bin/sh', '-c', $reader if !$pid;
    sleep 1;
    ($status, $out, $err) = jamhook([@dir, qw(forget -y m2)]);
    is $status, 0, 'forget beside one who reads an older state';
    like $err, qr/waiting/, '... waits for it';
    is found('bob22'), '', '... and then nothing is left';
    waitpid $pid, 0;
}

$nginx->stop('TERM');

# without nginx

isnt found('carol3'), '', 'without nginx';
($status, $out) = jamhook([@dir, qw(replay m4 b)]);
is $status, 0, '... replay';
is $store->value("select trigger from deliveries d, events e, endpoints p"
                 . " where e.seq = d.event and p.id = d.endpoint"
                 . " and e.id = 'm4' and p.name = 'b'"), 1, '... is kept';
my $seen = $store->value('select max(seen_at) from endpoints');
$target->set('200');
$nginx->start;
ok $store->wait_until(endpoint => 'b', succeeded => 1),
   '... and sent when nginx starts';
$nginx->ends_well(signal => 'TERM');

($code, $said) = decoded([@dir, qw(--json forget -y m4)]);
is_deeply [$code, $said], [0, { id => 'm4', forgotten => 1 }], '... forget';
is found('carol3'), '', '... leaves nothing';
is $store->check, 'ok', 'the store is whole';

# busy

my $pid = fork;

if (!$pid) {
    exec '/bin/sh', '-c', 'sqlite3 ' . $store->file
         . " 'begin immediate' '.system sleep 7'" unless $store->pgsql;

    my $session = $store->server->connect($store->name);
    $session->do('begin');
    $session->do('lock table jamhook.events in exclusive mode');
    sleep 7;
    POSIX::_exit(0);
}

sleep 1;
($status, $out, $err) = jamhook([@dir, qw(forget -y m3)]);
is $status, 0, 'a store that is busy';
like $err, qr/^jamhook: the store is busy, waiting\n\z/, '... is waited for';
waitpid $pid, 0;

# an endpoint that no configuration has any more is not kept alive

jamhook([@dir, qw(replay m3)]);
cmp_ok $store->value('select min(seen_at) from endpoints'), '<=', time * 1000,
       'endpoints';
my $then = $store->value("select max(seen_at) from endpoints");
jamhook([@dir, @$_]) for ['status'], ['forget', '-y', 'm3'], ['replay', 'm2'];
is $store->value("select max(seen_at) from endpoints"), $then,
   '... are not marked as configured';

done_testing;
