package Portal;

# Calls to the portal below /jamhook/.
#
#   my $answer = call($nginx, GET => 'api/events');
#   call($nginx, POST => 'api/events/msg_1/replay', { endpoint => 'a' });
#
# An answer is that of Jamhook::Nginx->send, with "json", what its body says. A
# body may be a text, a further argument is headers: ['Name: value', ...].

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();

our @EXPORT = qw(request call data post problem);

our $JSON = JSON::PP->new->utf8->canonical->boolean_values(0, 1);


sub request {
    my ($method, $path, $body, $headers) = @_;

    $body = $JSON->encode($body) if ref $body;

    my @headers = @{ $headers || [] };

    push @headers, 'Host: localhost' unless grep { /^Host:/ } @headers;
    push @headers, 'X-Jamhook-Request: 1' unless $method =~ /^(?:GET|HEAD)$/;
    push @headers, 'Content-Length: ' . length $body if defined $body;

    return join("\r\n", "$method /jamhook/$path HTTP/1.1",
                'Connection: close', @headers, '', '')
           . (defined $body ? $body : '');
}


sub call {
    my ($nginx, @request) = @_;

    my $answer = $nginx->send(request(@request), 30 * $Jamhook::Env::PATIENCE);

    $answer->{json} = eval { $JSON->decode($answer->{body}) };

    return $answer;
}


# what a GET says
sub data {
    my ($nginx, $path) = @_;

    return call($nginx, GET => $path)->{json};
}


# Posts an event, until it is stored; its id.
sub post {
    my ($nginx, $id, %event) = @_;

    my $answer = $nginx->send(Jamhook::event(id => $id, body => '{"a":1}',
                                             %event));

    die "event $id: $answer->{raw}" if $answer->{status} != 200;

    return $id;
}


# "404 not_found", and the parameter where one is named
sub problem {
    my ($answer) = @_;

    return join ' ', $answer->{status},
           map { defined $_ ? $_ : () } @{ $answer->{json} }{qw(code parameter)};
}


1;
