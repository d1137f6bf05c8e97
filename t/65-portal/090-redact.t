# A target whose answer repeats what it was asked for: the path of an endpoint's
# URL may be a password, and is neither kept nor shown.
# modes: plain san palloc
# stores: sqlite pgsql

use lib 't/lib', 't/65-portal';
use Test::More;
use Jamhook::Nginx;
use Portal;

my $patience = 10 * $Jamhook::Env::PATIENCE;
my $target = Jamhook::Target->new;
my (@names, @locations, $events);

# its URL's path, as it stands in nginx.conf
sub endpoint {
    my ($name, $path, $rules) = @_;

    push @names, $name;
    push @locations, "location /$name/ { jamhook_endpoint $name;"
        . ' jamhook_sign off; jamhook_retry off; '
        . ($rules || '') . " proxy_pass http://127.0.0.1:%{target}$path; }\n";
}

endpoint('plain', '/hooks/pass-word-one');
endpoint('fin', '/workflows/pass-word-two/',
         'jamhook_connector intercom_fin;'
         . ' jamhook_events jam.created intercom.*;');
endpoint('short', '/abc/def');
endpoint('query', '/q?who=us&token=pass-word-three');
endpoint('pieces', '/pieces/pass-word/${one}/pass-word-four/$one',
         'set $one one;');
endpoint('variable', '$where', 'set $where /in-a/pass-word-five;');
endpoint('inside', '/inside/pass-word-six',
         'if ($uri) { set $where /if/pass-word-seven;'
         . ' proxy_pass http://127.0.0.1:%{target}$where; }');

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    server => join '', @locations,
        'location /jamhook/ { jamhook_portal; }',
        map { "location = /to-$_ { jamhook_pass $_;"
              . " jamhook_verify keys/P1.key; }\n" } @names);

my $store = $nginx->store;

# an event to the endpoint, and what is shown of the target's answer
sub answered {
    my ($name, $rule) = @_;

    $target->set($rule);
    my $id = post($nginx, 'msg_' . ++$events, uri => "/to-$name");
    $store->idle($patience) or return;

    my $answer = call($nginx, GET => "api/events/$id");

    unlike $answer->{body}, qr/pass-word/, "$name: the API says no password";

    return $answer->{json}{deliveries}[0]{attempts}[0]{response};
}

sub says {
    my ($name, $text, $shown, $what) = @_;

    my $response = answered($name, "404 body='$text'");

    is $response->{body}, $shown, $what || "... $text";

    return $response;
}


says('plain', 'Cannot POST /hooks/pass-word-one',
     'Cannot POST /...');
says('plain', '{"path":"\/hooks\/pass-word-one","again":"%2Fhooks%2Fpass-'
              . 'word-one?x=1"}',
     '{"path":"\/...","again":"%2F...?x=1"}');
says('short', 'Cannot POST /abc/def', 'Cannot POST /abc/def',
     '... but what is too short to be looked for');
says('query', 'No token=pass-word-three at /q', 'No ... at /q');
says('pieces', '/pieces/pass-word/one/pass-word-four/one', '/.../one/.../one');
says('variable', 'Cannot POST /in-a/pass-word-five', 'Cannot POST /...');
says('inside', 'Cannot POST /if/pass-word-seven or /inside/pass-word-six',
     'Cannot POST /... or /...');


# headers

my $headers = answered('plain',
    q{302 "Location: https://x.test/hooks/pass-word-one/?a=b"}
    . q{ 'X-Odd: \\\\/hooks/pass-word-one"'}
    . q{ "X-Next: %2Fhooks%2fpass-word-one"})->{headers};

is $headers->{location}, 'https://x.test/.../?a=b', '... nor in a header';
is $headers->{'x-odd'}, '\\\\/..."', '... with escapes in it';
is $headers->{'x-next'}, '%2F...', '... or encoded';


# the border of what is kept of a body

for ([13, '/hooks/pass-'], [14, '/...'], [15, '/...'], [21, '/...'],
     [40, '/... ' . 'y' x 18])
{
    my ($n, $end) = @$_;
    my $before = 'x' x (16384 - $n);

    is says('plain', "$before /hooks/pass-word-one " . 'y' x 100,
            "$before $end", "... that begins $n bytes before the end"
           )->{truncated}, 1, '... which is cut';
}

is says('plain', 'x /hooks/pass-wor', 'x /hooks/pass-wor',
        '... a beginning stays where nothing is cut')->{truncated}, 0,
   '... and it is not';


# a test of an endpoint; the conversation's id is no secret

$target->set('500 body="no /workflows/pass-word-two/123 here"');

my $answer = call($nginx, POST => 'api/endpoints/fin/test',
                  { conversation_id => '123' });

is $answer->{status}, 200, 'a test for Fin';
unlike $answer->{body}, qr/pass-word/, '... says no password';
is $answer->{json}{response}{body}, 'no /.../123 here', '... but the rest';


# the store

my $bytes = $store->text;

like $bytes, qr/Cannot POST/, 'the store has the answers';
unlike $bytes, qr/pass-word/, '... without a password';

$nginx->ends_well;
done_testing;
