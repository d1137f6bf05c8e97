# One id, several requests: what is new, what is known, what is in conflict.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use IO::Select;
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

# what a killed worker had goes on when its lease is over, in one of the stores
my $timeout = $Jamhook::Env::STORE eq 'pgsql' ? 3 : 12;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    timeout => $timeout, workers => 4, server => q{
    location = /jam { jamhook_pass a; jamhook_verify keys/P1.key; }
    location = /jam-b { jamhook_pass b; jamhook_verify keys/P1.key; }
    location = /jam-both { jamhook_pass a b; jamhook_verify keys/P1.key; }
    location = /jam-dead { jamhook_pass dead; jamhook_verify keys/P1.key; }

    location = /a {
        jamhook_endpoint a;
        jamhook_sign off;
        jamhook_timeout %{timeout}s;
        proxy_pass http://127.0.0.1:%{target}/a;
    }

    location = /b {
        jamhook_endpoint b;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/b;
    }

    location = /dead {
        jamhook_endpoint dead;
        jamhook_sign off;
        jamhook_retry 10ms;
        proxy_set_header X-Attempt $jamhook_attempt;
        proxy_pass http://127.0.0.1:%{target}/dead;
    }
});

my $store = $nginx->store;
my $BODY = '{"a":1}';
my $patience = 10 * $Jamhook::Env::PATIENCE;

sub post {
    my ($id, %e) = @_;

    my $answer = $nginx->send(Jamhook::event(id => $id, body => $BODY, %e));

    return $answer->{status} == 200 && $answer->{body} =~ /"result":"(\w+)"/
           ? $1 : $answer->{status};
}

sub quiet { return $store->idle($patience) }

# all that the store says of an event
sub all {
    my ($id) = @_;

    return [map { [$store->rows($_)] }
        "select seq, received_at, id, source, type, headers, hex(body) as body"
        . " from events where id = '$id'",
        'select d.* from deliveries d join events e on e.seq = d.event'
        . " where e.id = '$id' order by d.endpoint",
        'select a.* from attempts a join events e on e.seq = a.event'
        . " where e.id = '$id' order by a.seq"];
}

sub paths { return join ' ', sort map { $_->{path} } $target->requests }

# two locations

is post('msg_1'), 'stored', 'an event is stored';
ok quiet(), '... and delivered';
is post('msg_1', uri => '/jam-b'), 'stored',
   'the same id by a location with another endpoint is stored';
ok quiet(), '... and delivered';
is paths(), '/a /b', 'each endpoint gets it once';
is $store->value("select count(*) from events where id = 'msg_1'"), 1,
   'it is one event';
is $store->value("select source from events where id = 'msg_1'"), '/jam',
   '... that belongs to where it came first';

my $before = all('msg_1');

is post('msg_1'), 'duplicate', 'the same again is a duplicate';
is post('msg_1', uri => '/jam-b'), 'duplicate', '... by either location';
is post('msg_1', uri => '/jam-both'), 'duplicate', '... or one with both';
is post('msg_1', family => 'webhook'), 'duplicate',
   '... also in the other family of headers';
is post('msg_1', uri => '/jam-b', body => '{"a":2}'), 409,
   'another body is a conflict';
is post('msg_1', uri => '/jam-dead', body => '{"a":2}'), 409,
   '... also where its endpoint has no delivery';
ok quiet(), 'nothing is to be done';
is paths(), '/a /b', 'nothing is delivered a second time';
is_deeply all('msg_1'), $before, '... nor has anything changed in the store';

is post('msg_half'), 'stored', 'an event by a location with one endpoint';
is post('msg_half', uri => '/jam-both'), 'stored',
   'one of two endpoints has it: stored';
ok quiet(), '... and delivered';
is $store->counts('a')->{succeeded} . $store->counts('b')->{succeeded}, 22,
   '... to each once';

# ids are compared as bytes

my @ids = ('1', '01', '1e0', '-1', '0x1', 'msg_A', 'msg_a', 'msg_', 'null',
           'NULL', 'x' x 255, 'x' x 256);

for my $id (@ids) {
    my $short = length $id > 20 ? length($id) . ' times x' : $id;

    is post($id), 'stored', "$short is an id of its own";
    is post($id), 'duplicate', '... that is known then';
}

ok quiet(), 'each is delivered';

# what had failed starts anew

$target->set('/dead 500');

is post('msg_dead', uri => '/jam-dead'), 'stored', 'an event for a target';
ok $store->wait_until(endpoint => 'dead', failed => 1, seconds => $patience),
   '... that fails until it is given up';
is post('msg_dead', uri => '/jam-dead', body => '{"a":2}'), 409,
   'another body starts nothing';
is post('msg_dead'), 'stored',
   'nor does a location that passes to others; they get it';
is $store->counts('dead')->{failed}, 1, '... and it stays as it was';

$target->set('/dead 500 | 200');

is post('msg_dead', uri => '/jam-dead'), 'duplicate',
   'the same again is a duplicate';
ok $store->wait_until(endpoint => 'dead', succeeded => 1,
                      seconds => $patience), '... that starts it anew';
is_deeply [map { "$_->{number} $_->{trigger} $_->{result}" }
           $store->rows('select * from show_attempts where'
                        . " endpoint = 'dead' order by seq")],
          ['1 scheduled failed', '2 scheduled failed', '3 scheduled failed',
           '4 scheduled succeeded'],
          'the attempts\' numbers go on, and the ladder starts anew';

my @dead = grep { $_->{path} eq '/dead' } $target->requests;

is join(' ', map { scalar Jamhook::Target::header($_, 'X-Attempt') } @dead),
   '1 2 3 4', '... as $jamhook_attempt does';

my %keys = map { Jamhook::Target::header($_, 'Idempotency-Key') => 1 } @dead;

is scalar(keys %keys), 1, 'the Idempotency-Key stays';

is post('msg_dead', uri => '/jam-dead'), 'duplicate',
   'what has succeeded is a duplicate';
ok quiet(), '... and';
is $store->value('select count(*) from attempts a join endpoints p on'
                 . " p.id = a.endpoint where p.name = 'dead'"), 4,
   '... no attempt follows';

# while it is under way

$target->set('/a hang');
my $from = $target->requests;

is post('msg_slow'), 'stored', 'an event whose target hangs';
ok $nginx->wait_for(sub { $target->requests > $from }), '... is being sent';
is post('msg_slow'), 'duplicate', 'the same event is a duplicate';
is $store->counts('a')->{sending}, 1, '... and is sent once';

# a delivery that hangs would be waited for
$target->set('/a 200');
$nginx->kill_worker($_) for $nginx->workers;
ok $store->idle($patience + $store->takeover($timeout)),
   'its worker is killed, and it is sent again';

# at once, by many connections

my $clients = 40;
$from = $target->requests;

for my $round (1 .. 3) {
    my $id = "msg_race_$round";
    my $bytes = Jamhook::event(id => $id, body => $BODY);
    my $select = IO::Select->new;
    my (%in, %got);

    for (1 .. $clients) {
        my $s = $nginx->connect;
        print $s substr $bytes, 0, -1;
        $s->flush;
        $select->add($s);
    }

    # the last byte of all of them as close together as it goes
    for my $s ($select->handles) {
        print $s substr $bytes, -1;
        $s->flush;
    }

    while ($select->count) {
        my @ready = $select->can_read($patience) or last;

        for my $s (@ready) {
            next if sysread $s, $in{$s}, 65536, length($in{$s} || '');
            $select->remove($s);
            $got{ ($in{$s} || '') =~ /"result":"(\w+)"/ ? $1 : 'none' }++;
        }
    }

    is_deeply \%got, { stored => 1, duplicate => $clients - 1 },
              "$clients at once: one is stored, the others are duplicates";
    ok quiet(), '... it is delivered';
    is $store->value('select count(*) from show_attempts'
                     . " where id = '$id'"), 1, '... once';
}

is $target->requests - $from, 3, 'the target got each of them once';

# two bodies at once

for my $round (1 .. 3) {
    my (%in, %got);
    my @clients = map {
        my $body = qq({"body":@{[ $_ % 2 ]}});
        my $s = $nginx->connect;
        print $s Jamhook::event(id => "msg_two_$round", body => $body);
        $s->flush;
        [$s, $body];
    } 1 .. 20;

    for (@clients) {
        my ($s, $body) = @$_;
        my $answer = $nginx->read($s);
        $got{$body}{ $answer->{body} =~ /"(?:result|code)":"(\w+)"/
                     ? $1 : $answer->{status} }++;
    }

    my $first = $store->body("msg_two_$round");
    my ($second) = grep { $_ ne $first } keys %got;

    is_deeply $got{$first}, { stored => 1, duplicate => 9 },
              'two bodies with one id at once: one is stored';
    is_deeply $got{$second}, { id_conflict => 10 },
              '... and the other is in conflict each time';
    ok quiet(), '... it is delivered';
}

# in a new process

ok $nginx->stop, 'nginx is stopped';
$nginx->start;
$from = $target->requests;

is post('msg_1'), 'duplicate', 'after a restart it is a duplicate still';
is post('msg_race_1'), 'duplicate', '... and so is another one';
is post('msg_1', body => '{"a":2}'), 409, '... and another body a conflict';

$nginx->kill_all;
$nginx->start;

is post('msg_1'), 'duplicate', 'after all processes were killed as well';
ok quiet(), 'nothing is to be done';
is $target->requests - $from, 0, '... and nothing was delivered';
is $store->check, 'ok', 'the database is sound';

$nginx->ends_well(expected => ['exited on signal 9']);
done_testing;
