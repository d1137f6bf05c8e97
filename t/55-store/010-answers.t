# What a sender is told when there is a store, and what stands in it then.
#
# stores: sqlite pgsql pgsql-palloc

use lib 't/lib';
use Test::More;
use IO::Select;
use JSON::PP ();
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    http => q{
        log_format told '$uri $jamhook_result $status $jamhook_id';
        client_max_body_size 8m;
    }, server => q{
    access_log logs/told.log told;

    location = /jam {
        jamhook_pass e;
        jamhook_verify keys/P1.key;
    }

    location = /file {
        jamhook_pass e;
        jamhook_verify keys/P1.key;
        client_body_in_file_only clean;
    }

    location = /fin-only {
        jamhook_pass fin;
        jamhook_verify keys/P1.key;
    }

    location = /open {
        jamhook_pass e;
        jamhook_verify off;
    }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/fin;
    }
});

my $store = $nginx->store;
my $RECORDED = 'intercom.recorder.recorded';
my $BODY = '{"id":"evt_12345","type":"intercom.recorder.recorded",'
    . '"created_at":"2025-09-09T12:00:00Z","data":{"conversationId":'
    . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
    . '"recording_url":"https://jam.dev/r/rec_12345"}}';

sub post {
    my ($id, $body, %e) = @_;

    return $nginx->send(Jamhook::event(id => $id, body => $body, %e));
}

sub stored {
    my ($id) = @_;

    return $store->row('select id, source, event_id, type, created_at,'
                       . ' conversation_id, jam_id, recording_url, forgotten,'
                       . ' received_at, headers, typeof(body) as kind'
                       . ' from events where id = '
                       . Jamhook::Store::quote($id));
}

sub events { return $store->value('select count(*) from events') }

# where they differ only the place is shown: bodies are large
sub same_bytes {
    my ($id, $body, $name) = @_;

    my $got = $store->body($id);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok $got eq $body, $name
        or diag length($got) . ' bytes instead of ' . length $body;
}

sub told {
    my ($line) = @_;

    return scalar grep { $_ eq $line } split /\n/,
           Jamhook::Env::slurp($nginx->dir . '/logs/told.log');
}

# stored

my $answer = post('msg_1', $BODY,
                  headers => [['Authorization', 'Bearer hidden-a'],
                              ['Cookie', 'c=hidden-b'],
                              ['X-Api-Key', 'hidden-c'],
                              ['Proxy-Authorization', 'hidden-d'],
                              ['X-Plain', "caf\xc3\xa9 \"quoted\""],
                              ['X-Twice', 'one'], ['X-Twice', 'two']]);

is $answer->{status}, 200, 'a new event is answered with 200';
is $answer->{body},
   qq({"result":"stored","id":"msg_1","type":"$RECORDED"}),
   'its answer says "stored", byte for byte';
is $answer->{headers}{'content-type'}, 'application/json', '... as JSON';
is $answer->{headers}{'content-length'}, length $answer->{body},
   '... with its length';
ok $nginx->wait_for(sub { told('/jam stored 200 msg_1') }),
   '$jamhook_result and $jamhook_id are in the access log';

my $row = stored('msg_1');
my %row = map { $_ => $row->{$_} } qw(id source event_id type created_at
              conversation_id jam_id recording_url forgotten kind);

is_deeply \%row, {
    id => 'msg_1', source => '/jam', event_id => 'evt_12345',
    type => $RECORDED, created_at => '2025-09-09T12:00:00Z',
    conversation_id => '215470686832743',
    jam_id => '9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc',
    recording_url => 'https://jam.dev/r/rec_12345', forgotten => 0,
    kind => 'blob',
}, 'the members of an event are kept';
cmp_ok abs($row->{received_at} / 1000 - time), '<', 60, '... with the time';
same_bytes('msg_1', $BODY, 'the body is kept byte for byte');

# its headers

my $headers = JSON::PP->new->decode($row->{headers});
my %value;
push @{ $value{lc $_->[0]} }, $_->[1] for @$headers;

is_deeply $value{$_}, ['***'], "the value of $_ is masked"
    for qw(authorization cookie x-api-key proxy-authorization);
is_deeply $value{'x-plain'}, ["caf\x{e9} \"quoted\""],
          'other values are kept as they came';
is_deeply $value{'x-twice'}, ['one', 'two'], 'one that comes twice is kept so';
is_deeply $value{'svix-id'}, ['msg_1'], "the sender's own are kept";
is scalar($store->value("select count(*) from events where"
                        . " headers like '%hidden-%'")), 0,
   'no credential is in the store';

# duplicate, conflict

$answer = post('msg_1', $BODY);
is $answer->{status}, 200, 'the same event again is answered with 200';
is $answer->{body},
   qq({"result":"duplicate","id":"msg_1","type":"$RECORDED"}),
   '... that says "duplicate"';
ok $nginx->wait_for(sub { told('/jam duplicate 200 msg_1') }),
   '... as the access log does';

$answer = post('msg_1', '{"another":"body"}');
is $answer->{status}, 409, 'the same id with another body is answered with 409';
is $answer->{headers}{'content-type'}, 'application/problem+json',
   '... a problem';
is $answer->{body}, '{"title":"Conflict","status":409,"detail":'
                    . '"this id was seen with another body",'
                    . '"code":"id_conflict"}', '... with its members';
ok !exists $answer->{headers}{'retry-after'}, '... and no Retry-After';
ok $nginx->wait_for(sub { told('/jam id_conflict 409 msg_1') }),
   '... with its code in the access log';

# ignored

my $before = events();
my $other = $BODY =~ s/$RECORDED/issue.created/r;
$answer = post('msg_other', $other, uri => '/fin-only');
is $answer->{body},
   '{"result":"ignored","id":"msg_other","type":"issue.created"}',
   'what no endpoint subscribes to is "ignored"';
is $answer->{status}, 200, '... with 200';
ok $nginx->wait_for(sub { told('/fin-only ignored 200 msg_other') }),
   '... in the access log';
is events(), $before, '... and not in the store';

$answer = post('msg_other', "$other ", uri => '/fin-only');
is $answer->{status}, 200, 'its id is not remembered either';

# what is refused

for my $case (
    ['without a signature', 401, key => 'none'],
    ['with a wrong signature', 401, key => 'P2'],
    ['that is too old', 401, ts => -301],
    ['of another media type', 415, type => 'text/plain'],
    ['by PUT', 405, method => 'PUT'],
) {
    my ($name, $status, @e) = @$case;

    is post('msg_refused', $BODY, @e)->{status}, $status,
       "an event $name is refused";
}

is post('msg_refused', '{"a":')->{status}, 400, 'a body that is no JSON';
is post('msg_refused', $BODY =~ s/conversationId/x/r, uri => '/fin-only')
   ->{status}, 422,
   'an event without what its endpoint needs';
is stored('msg_refused'), undef, 'nothing of them is in the store';
is events(), $before, '... under no name';

# bodies

my %bodies = (
    'UTF-8 of all lengths' => '{"s":"' . join('', map { pack 'U0C*', @$_ }
        [0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xef, 0xbf, 0xbf],
        [0xf0, 0x90, 0x80, 0x80], [0xf4, 0x8f, 0xbf, 0xbf], [0x7f]) . '"}',
    'escapes' => '{"s":"\u0000\ud83d\ude00\/\\\\ \"","n":1.0e+2}',
    'blanks and line ends' => " \r\n\t{ \"a\" :\r\n 1\t} \n\r\n",
    'quotes of SQL' => q({"s":"'; drop table events; --","t":"''"}),
    'nothing in it' => '{}',
);

for my $name (sort keys %bodies) {
    my $id = 'msg_' . $name =~ s/\W/_/gr;

    utf8::encode($bodies{$name}) if utf8::is_utf8($bodies{$name});

    is post($id, $bodies{$name})->{status}, 200, "a body with $name is taken";
    same_bytes($id, $bodies{$name}, '... and kept byte for byte');
}

my $large = '{"s":"' . join('', map { "\xc3\xa9$_ " . 'x' x 1000 } 1 .. 3200)
            . '"}';
cmp_ok length $large, '>', 3 * 1024 * 1024, 'a body of more than 3 MB';

is post('msg_large', $large)->{status}, 200, '... is taken';
same_bytes('msg_large', $large, '... and kept');
is post('msg_large', $large)->{body} =~ /"duplicate"/, 1,
   '... and known when it comes again';
is post('msg_large', substr($large, 0, -3) . '!"}')->{status}, 409,
   '... but not when its last byte is another one';

is post('msg_chunked', $large, chunked => 65521)->{status}, 200,
   'in chunks it is taken too';
same_bytes('msg_chunked', $large, '... and kept');
is post('msg_chunks', $BODY, chunked => 1)->{status}, 200,
   'a body in chunks of one byte is taken';
same_bytes('msg_chunks', $BODY, '... and kept');
is post('msg_file', $BODY, uri => '/file')->{status}, 200,
   'a body that nginx wrote to a file is taken';
same_bytes('msg_file', $BODY, '... and kept');
is post('msg_packets', $BODY, packets => 7)->{status}, 200,
   'a body in several packets is taken';
same_bytes('msg_packets', $BODY, '... and kept');

# nobody signs

for my $n (1, 2) {
    $answer = post('', '{"open":1}', key => 'none', uri => '/open');
    like $answer->{body},
         qr/\A\{"result":"stored","id":"[^"]{8,}","type":"\w+"\}\z/,
         'jamhook_verify off: an event without an id gets one';
}

is scalar($store->value("select count(distinct id) from events"
                        . " where source = '/open'")), 2,
   '... each its own, so the same body is no duplicate';

my $open = $BODY =~ s/evt_12345/evt_open/r;
like post('', $open, key => 'none', uri => '/open')->{body},
     qr/"result":"stored","id":"evt_open"/, "... the envelope's id is taken";
like post('', $open, key => 'none', uri => '/open')->{body},
     qr/"result":"duplicate","id":"evt_open"/, '... and known again';
is post('', "$open ", key => 'none', uri => '/open')
   ->{status}, 409, '... also with another body';
like post('', $open, key => 'none', uri => '/open',
          headers => [['webhook-id', 'msg_header']])->{body},
     qr/"result":"stored","id":"msg_header"/, "... but the header's id first";

# several on one connection

my $s = $nginx->connect;
print $s map { Jamhook::event(id => "msg_line_$_", body => qq({"line":$_}),
                              headers => [['Connection', $_ == 3 ? 'close'
                                                         : 'keep-alive']]) }
         1 .. 3;
$s->flush;
my $raw = '';
my $select = IO::Select->new($s);
while ($select->can_read(10 * $Jamhook::Env::PATIENCE)) {
    sysread $s, $raw, 65536, length $raw or last;
}
is join(' ', $raw =~ /"id":"(msg_line_\d)"/g),
   'msg_line_1 msg_line_2 msg_line_3',
   'events in a row on one connection are answered in order';

ok $store->idle(20 * $Jamhook::Env::PATIENCE), 'all are delivered';
is_deeply $store->counts, { pending => 0, sending => 0, failed => 0,
                            succeeded => events() }, '... each once';
is $store->check, 'ok', 'the database is sound';

$nginx->ends_well;
done_testing;
