# A sender and a receiver that we did not write: the npm package
# "standardwebhooks" signs events for us, and verifies deliveries of ours.
#
# modes: plain

use lib 't/lib';

use File::Copy qw(copy);
use File::Path qw(make_path);
use IPC::Open2;
use JSON::PP;
use Jamhook::Nginx;
use Test::More;

my $dir = "$Jamhook::Env::TOP/build/node";

make_path($dir);
copy("t/80-foreign/$_", "$dir/$_") or die "$_: $!"
    for qw(package.json package-lock.json webhook.js);

my $said = `cd $dir && npm ci --ignore-scripts --no-audit --no-fund 2>&1`;
is $?, 0, 'npm installs standardwebhooks' or diag $said;

sub node {
    my (%ask) = @_;

    my $pid = open2(my $out, my $in, 'node', "$dir/webhook.js");
    print $in encode_json(\%ask);
    close $in;
    local $/;
    my $answer = <$out>;
    waitpid $pid, 0;

    return decode_json($answer || '{}');
}

my %bodies = (
    'an enveloped recorded event' =>
        '{"id":"evt_12345","type":"intercom.recorder.recorded",'
        . '"created_at":"2025-09-09T12:00:00Z","data":{"conversationId":'
        . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
        . '"recording_url":"https://jam.dev/r/rec_12345"}}',
    'a flat recorded event' =>
        '{"conversationId":"conversation-123","jamId":"jam-intercom-1",'
        . '"jamUrl":"https://jam.dev/c/jam-intercom-1"}',
    'an opted_out event that is not ASCII' =>
        "{\"note\":\"caf\\u00e9 \x{c3}\x{a9} \x{e2}\x{82}\x{ac}\","
        . '"type":"intercom.recorder.opted_out",'
        . '"data":{"conversationId":"215470686832743"}}',
);

my $target = Jamhook::Target->new('200');
my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    location = /jam { jamhook_pass fin all; jamhook_verify keys/P1.key; }

    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:%{target}/copied/path;
    }

    location = /all {
        jamhook_endpoint  all;
        jamhook_sign      keys/both.key;
        proxy_pass        http://127.0.0.1:%{target}/all;
    }
});

my $seen = 0;

for my $name (sort keys %bodies) {
    my $body = $bodies{$name};
    my ($id, $now) = (Jamhook::Sign::new_id(), int time);

    # the package wants text, we have bytes
    utf8::decode(my $text = $body);

    my $signed = node(do => 'sign', key => Jamhook::Sign::key('P1'), id => $id,
                      timestamp => $now, body => $text);

    like $signed->{signature}, qr/^v1,/, "$name: standardwebhooks signs it";

    for my $family (qw(webhook svix)) {
        my $answer = $nginx->send(Jamhook::event(
            body => $body, id => $id, at => $now, family => $family,
            signature => $signed->{signature}));

        is $answer->{status}, 200, "$name: jamhook takes it as $family-"
            or diag $answer->{raw};

        my @got = ($target->wait($seen + 2));
        is scalar @got, $seen + 2, "$name: two deliveries";

        for my $request (@got[$seen .. $seen + 1]) {
            my $fin = $request->{path} =~ m{^/copied/path/};

            utf8::decode(my $sent = $request->{body});

            for my $key ($fin ? 'S1' : qw(P1 P2)) {
                my $answer = node(do => 'verify', body => $sent,
                    key => Jamhook::Sign::key($key), headers => {
                        map { $_ => scalar Jamhook::Target::header($request,
                                                                   $_) }
                        qw(webhook-id webhook-timestamp webhook-signature)
                    });

                ok $answer->{ok}, "$name: standardwebhooks verifies the"
                                  . " delivery to $request->{path} with $key"
                    or diag $answer->{error};
            }
        }

        $seen += 2;
    }
}

my $answer = node(do => 'verify', key => Jamhook::Sign::key('S2'),
    body => '{}', headers => { 'webhook-id' => 'msg_1',
        'webhook-timestamp' => int time, 'webhook-signature' => 'v1,AAAA' });
like $answer->{error}, qr/signature/i, 'and refuses what is not ours';

$nginx->ends_well;

done_testing;
