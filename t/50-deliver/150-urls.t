# URLs in an event are text: nobody asks for them, and they choose no target.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('200');
my $elsewhere = Jamhook::Target->new('200');
my $url = 'http://127.0.0.1:' . $elsewhere->port;

my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    location = /fin-in { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /all-in { jamhook_pass all; jamhook_verify keys/P1.key; }

    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:%{target}/fin;
    }

    location = /all {
        jamhook_endpoint  all;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:%{target}/all;
    }
});

my $body = '{"type":"intercom.recorder.recorded","created_at":'
    . qq("2026-01-01T00:00:00Z","callback_url":"$url/1","target":"$url/2",)
    . qq("data":{"conversationId":"c1","jamId":"$url/3",)
    . qq("recording_url":"$url/4"}});

for my $to (qw(fin all)) {
    is $nginx->send(Jamhook::event(
           uri => "/$to-in", body => $body,
           headers => [[Location => "$url/5"], [Referer => "$url/6"],
                       ['X-Forwarded-Host' => $url =~ s{http://}{}r],
                       ['X-Accel-Redirect' => '/all']]))->{status}, 200,
       "$to: an event full of URLs is delivered";
}

my ($fin, $all, @more) = $target->requests;

is $fin->{path}, '/fin/c1', 'to the target of the one';
like $fin->{body}, qr/"jamId":"\Q$url\E\/3","recording_url":"\Q$url\E\/4"/,
     '... which is told the URL';
is $all->{path}, '/all', 'to the target of the other';
is $all->{body}, $body, '... which is told all of them';
is scalar @more, 0, '... once each';

# one that is asked for would have been, before an answer or at the end
$nginx->ends_well;
is scalar $elsewhere->requests, 0, 'none of the URLs was asked for';

done_testing;
