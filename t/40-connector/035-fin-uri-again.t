# The URI that a Fin target is sent to, of the second event and of later ones:
# a worker remembers that the location's URL has a slash too many.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('200');

# an "if" has a proxy_pass of its own, without a path as nginx wants it there
my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    location = /jam {
        jamhook_pass    fin;
        jamhook_verify  keys/P1.key;
    }

    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       off;
        proxy_pass         http://127.0.0.1:%{target}/slash/;

        if ($jamhook_conversation_id = other) {
            proxy_pass     http://127.0.0.1:%{target};
        }
    }
});

my @want;

for my $id (qw(1 2 other 3 other 4)) {
    my $body = '{"type":"intercom.recorder.recorded","data":{'
               . qq("conversationId":"$id","jamId":"j",)
               . '"recording_url":"https://jam.dev/r/1"}}';
    my $answer = $nginx->send(Jamhook::event(body => $body));

    is $answer->{status}, 200, "$id is delivered" or diag $answer->{raw};
    push @want, ($id eq 'other' ? '/fin/' : '/slash/') . $id;
}

is_deeply [map { $_->{path} } $target->requests], \@want,
          'each to the URL of its own';

$nginx->ends_well;
done_testing;
