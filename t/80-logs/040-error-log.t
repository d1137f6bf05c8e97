# error.log: one line for what is refused, the first of a reason a minute at
# "error", later ones at "info".

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('');
my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    location = /jam { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /small {
        jamhook_pass          fin;
        jamhook_verify        keys/P1.key;
        client_max_body_size  5;
    }
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:%{target};
    }
});

my $serial = 0;

for my $case (
    ['signature_missing: a signature header is missing', without => 'svix-id'],
    ['signature_invalid: no key matches the signature', key => 'P2'],
    ['timestamp_invalid: timestamp too old', ts => -1000],
    ['method_not_allowed: the method is not POST', method => 'PUT'],
    ['media_type_unsupported: the "Content-Type" is not "application/json"',
     type => 'text/plain'],
    ['body_invalid: ', body => '[]'],
    ['event_invalid: "conversationId" is unsafe', body =>
     '{"conversationId":"../x"}'],
) {
    my ($reason, %e) = @$case;
    my ($code) = $reason =~ /^(\w+)/;
    my $with = delete $e{without};

    for my $level ('error', 'info', 'info') {
        my $id = 'msg_' . ++$serial;
        my $before = $nginx->logged(qr/rejected/);

        $nginx->send(Jamhook::event(body => '{"conversationId":"1"}', id => $id,
                                    with => $with ? "without=$with" : '', %e));

        $nginx->wait_for(sub { $nginx->logged(qr/rejected/) > $before });

        my @lines = grep { /rejected/ } $nginx->log;
        is @lines - $before, 1, "$code: one line";

        # an id that was not yet judged may be left out
        my $said = $code =~ /^body|^event|^signature_invalid/ ? $id : "(?:$id)?";

        like $lines[-1],
             qr/\[$level\] .*jamhook event "$said" rejected: \Q$reason\E/,
             "$code: at $level";
    }
}

# reasons have a minute each, not all together
is $nginx->logged(qr/\[error\] .*rejected/), 7, 'seven reasons at error';
is $nginx->logged(qr/\[info\] .*rejected/), 14, 'the others at info';

# one reason, another detail: the code counts
$nginx->send(Jamhook::event(body => '{}', ts => 1000));
ok $nginx->wait_log('timestamp too far in the future'), 'the other way';
is $nginx->logged(qr/\[error\] .*too far in the future/), 0, 'is not at error';

is $nginx->logged(qr/rejected/), 22, 'no line more';
is scalar $target->requests, 0, 'nothing was delivered';

# what is taken in is no line
my $before = $nginx->logged(qr/jamhook/);
is $nginx->send(Jamhook::event(body => '{"conversationId":"1"}'))->{status},
   200, 'an event';
is $nginx->send(Jamhook::event(body => '{"a":"1"}'))->{status}, 200,
   'one that nobody wants';
is $nginx->logged(qr/\[(?:error|warn)\].*jamhook/), 7, 'are no error';

$nginx->ends_well;
done_testing;
