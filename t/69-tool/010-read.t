# status, events, pending, failed, show and log, beside an nginx that runs and
# without it.

# modes: plain san palloc
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure', 't/69-tool';
use Test::More;
use Jamhook::Nginx;
use Endure;
use JSON::PP;
use Tool;

my $target = Jamhook::Target->new("/a 200\n/b 500\n/c 410");
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    server => ingest('a b') . ingest('c', '/c-in')
              . endpoint('a') . endpoint('b', 'jamhook_retry 60s;')
              . endpoint('c', 'jamhook_retry off;'));
my @dir = ('-s', $nginx->store->place);

my ($status, $out, $err);
$nginx->wait_for(sub {
    ($status, $out, $err) = jamhook([@dir, 'events']);
    $status != 3;                        # nginx has yet to make it
});
is $status, 1, 'a store without an event';
like $err, qr/none/, '... says so';

sub body {
    my ($n, %data) = @_;

    return JSON::PP->new->utf8->canonical->encode({ id => "evt_$n", created_at => '2025-09-09T12:00:00Z',
                         type => 'intercom.recorder.recorded',
                         data => { conversationId => "conv$n",
                                   jamId => "jam$n",
                                   recording_url => 'https://jam.dev/r/1',
                                   %data } });
}

# one after the other, so that the log has their order

for (1 .. 3) {
    $nginx->send(Jamhook::event(body => body($_), id => "msg_$_"));
    $nginx->store->wait_until(endpoint => 'a', succeeded => $_);
    $nginx->store->wait_until(endpoint => 'b', pending => $_, sending => 0);
}

$nginx->send(Jamhook::event(body => body(4), id => 'msg_4', uri => '/c-in'));
$nginx->store->wait_until(endpoint => 'c', failed => 1);
$nginx->send(Jamhook::event(body => body(5), id => 'msg_5', uri => '/c-in'));
$nginx->store->wait_until(endpoint => 'c', pending => 1);

sub listed { join ' ', map { $_->{id} } @{ $_[0]{data} } }

sub look {
    my ($name) = @_;

    my ($status, $out) = jamhook([@dir, 'status']);
    is $status, 0, "$name: status";
    like $out, qr/^a +active +0 +0 +0 +3 +- +\S+Z +succeeded \(200\)$/m,
         '... of one that succeeds';
    like $out, qr/^b +active +3 +0 +0 +0 +\S+Z +\S+Z +failed \(500\)$/m,
         '... of one that fails';
    like $out, qr/^c +paused \(gone\) +1 +0 +1 +0 /m, '... of a paused one';

    ($status, my $said) = decoded([@dir, '--json', 'status']);
    my %ep = map { $_->{name} => $_ } @{ $said->{data} };
    is_deeply $ep{b}{stats},
              { pending => 3, sending => 0, failed => 0, succeeded => 0 },
              '... in numbers';
    is_deeply [@{ $ep{c} }{qw(state reason)}], ['paused', 'gone'],
              '... in the words of the API';
    is $ep{a}{last_attempt}{response}{status}, 200, '... with the last one';

    # lists

    ($status, $out) = jamhook([@dir, 'events']);
    is $status, 0, 'events';
    is scalar(() = $out =~ /^\d{4}-.* msg_\d /mg), 8,
       '... a line for each delivery';
    like $out, qr/msg_5 .* msg_1 /s, '... newest first';
    like $out, qr/msg_2 .* conv2 +b +pending +1 +\d{4}-\S+Z$/m,
         '... with the next attempt';

    is listed((decoded([@dir, qw(--json events)]))[1]),
       'msg_5 msg_4 msg_3 msg_2 msg_1', '... in JSON';

    for (['events -n 2', 'msg_5 msg_4'],
         ['events --endpoint=c', 'msg_5 msg_4'],
         ['events --conversation=conv2', 'msg_2'],
         ['events --jam=jam3', 'msg_3'],
         ['events --type=intercom.recorder.recorded -n 1', 'msg_5'],
         ['events --since=1h --limit 1', 'msg_5'],
         ['events --state=succeeded', 'msg_3 msg_2 msg_1'],
         ['events --state=paused', 'msg_5'],
         ['events --state=failed --endpoint=c', 'msg_4'],
         ['failed', 'msg_4'],
         ['pending', 'msg_5 msg_3 msg_2 msg_1'],
         ['pending --endpoint=c', 'msg_5'],
         ['pending -n 2', 'msg_5 msg_3'])
    {
        my ($args, $ids) = @$_;
        is listed((decoded([@dir, '--json', split / /, $args]))[1]), $ids, $args;
    }

    for (['events --until=1h'], ['events --since=2099-01-01'],
         ['failed --endpoint=a'], ['events --conversation=nobody'])
    {
        ($status, $said) = decoded([@dir, '--json', split / /, $_->[0]]);
        is_deeply [$status, $said], [1, { data => [], next => undef }],
                  "$_->[0]: none";
    }

    ($status, $out, $err) = jamhook([@dir, qw(events -n 1)]);
    like $err, qr/more/, 'that there is more is said';
    is scalar(() = $out =~ /msg_/g), 1, '... beside the list';

    # one

    ($status, $out) = jamhook([@dir, qw(show msg_1)]);
    is $status, 0, 'show';
    like $out, qr/^conversation_id +conv1$/m, '... a member';
    like $out, qr/^    svix-id: msg_1$/m, '... a header';
    like $out, qr/^delivery\ to\ b:\ pending\ since\ \S+Z,
                   \ next\ attempt\ \S+Z\n
                  \ +1\ +\S+Z\ +scheduled\ +failed\ \(500\)\ +\d+\ ms$/mx,
         '... an attempt';
    unlike $out, qr/"jamId"/, '... and no body';

    ($status, $out) = jamhook([@dir, qw(show --body msg_1)]);
    like $out, qr/^body\n    \{.*"jamId":"jam1"/m, '--body: the event';
    like $out, qr/^\ +request\n\ +content-type:\ .*\ response\n.*\n
                  \ +\{"ok":true\}$/msx, '... the answer of the target';

    ($status, $said) = decoded([@dir, qw(--json show msg_1)]);
    is $said->{body}, body(1), '... and in JSON';
    is $said->{deliveries}[1]{attempts}[0]{response}{status}, 500,
       '... with all attempts';

    ($status, $out) = jamhook([@dir, qw(show --raw msg_1)]);
    is $out, body(1), '--raw: byte for byte';

    ($status, $out, $err) = jamhook([@dir, qw(show msg_9)]);
    is "$status$out", 1, 'an event that there is not';
    like $err, qr/no event "msg_9"/, '... is not shown';

    # the log

    ($status, $out) = jamhook([@dir, 'log']);
    is $status, 0, 'log';
    is scalar(() = $out =~ /^\d{4}-/mg), 7, '... of all attempts';
    like $out, qr/msg_1\n.* msg_4\n\z/s, '... the last one last';

    for (['log --endpoint=c', 'msg_4'], ['log --result=succeeded -n 2',
         'msg_3 msg_2'], ['log --result=interrupted', ''])
    {
        my ($args, $ids) = @$_;
        is join(' ', map { $_->{event} }
                @{ (decoded([@dir, '--json', split / /, $args]))[1]{data} }),
           $ids, $args;
    }
}

look('beside nginx');
$nginx->ends_well(name => 'nginx does not mind');
look('without nginx');

is_deeply [glob $nginx->store->dir . '/jamhook.db-*'], [],
          'and it leaves nothing behind' unless $nginx->store->pgsql;
is $nginx->store->users, 0, 'and it leaves no lock, or session';

done_testing;
