# What a connection goes through: bodies that are cut short or lie about their
# length, the next request after a refused one, "100 Continue".

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('');
my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    client_body_timeout  2s;
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /small {
        jamhook_pass          audit;
        jamhook_verify        keys/P1.key;
        client_max_body_size  10;
    }
    location = /ok { return 200 "ok\n"; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:%{target};
    }
});

my $wanted = 0;

# a signed event on a connection that stays
sub event {
    return Jamhook::event(body => '{"a":1}', headers =>
                          [['Connection', 'keep-alive']], @_);
}

sub code { $_[0]{body} =~ /"(?:code|result)":"(\w+)"/ ? $1 : $_[0]{body} }

# the answers to these bytes, one after the other
sub talk {
    my ($bytes, $n, %opt) = @_;

    my $s = $nginx->connect;
    my @answers;

    print $s $bytes;
    $s->flush;
    shutdown $s, 1 if $opt{shut};

    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 10 * $Jamhook::Env::PATIENCE;

    eval {
        my $raw = '';

        while (@answers < $n) {
            while ($raw =~ /\A(HTTP\/1.1 100[^\n]*\r\n\r\n)/) {
                push @answers, '100';
                substr $raw, 0, length $1, '';
            }

            if ($raw =~ /\AHTTP\/1.1 (\d+).*?\r\n\r\n/s) {
                my ($status, $head) = ($1, $&);
                my ($length) = $head =~ /^content-length: (\d+)/im;

                if (defined $length
                    && length $raw >= length($head) + $length)
                {
                    my $body = substr $raw, length $head, $length;
                    push @answers, "$status " . code({ body => $body });
                    substr $raw, 0, length($head) + $length, '';
                    next;
                }
            }

            last if @answers == $n;
            my $got = sysread $s, $raw, 65536, length $raw;
            last unless $got;
        }
    };

    alarm 0;
    push @answers, "after that: $@" if $@;

    return \@answers;
}

sub delivered {
    my ($n, $name) = @_;

    $wanted += $n;
    is scalar $target->wait($wanted), $wanted, "$name: at the target";
}

my $bad = event(key => 'P2');
my $good = event();
my $ok = ['200 delivered'];

is_deeply talk($good . $good, 2), ['200 delivered', '200 delivered'],
          'two events on one connection, pipelined';
delivered(2, 'pipelined');

for my $case (
    ['401 signature_invalid', event(key => 'P2')],
    ['401 signature_missing', event(key => 'none')],
    ['401 timestamp_invalid', event(ts => -1000)],
    ['405 method_not_allowed', event(method => 'PUT')],
    ['405 method_not_allowed', "GET /jam HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['415 media_type_unsupported', event(type => 'text/plain')],
    ['400 body_invalid', event(body => '[]')],
    ['401 signature_missing, chunked', event(key => 'none', chunked => 2)],
    ['401 signature_invalid, chunked', event(key => 'P2', chunked => 3)],
    ['415 media_type_unsupported, with a large body',
     event(type => 'text/plain', body => 'x' x 300_000)],
    ['401 signature_missing, with a large chunked body',
     event(key => 'none', body => 'x' x 300_000, chunked => 10_000)],
) {
    my ($name, $request) = @$case;
    my ($answer) = $name =~ /^(\d+ \w+)/;

    is_deeply talk($request . $good, 2), [$answer, '200 delivered'],
              "the next event after $name";
    delivered(1, $name);
}

is_deeply talk(event(uri => '/small', body => 'x' x 100, chunked => 50) . $good,
               2), ['413 body_too_large'],
          'a chunked body that is too large ends the connection';

{
    my $answers = talk(event(uri => '/small', body => $good, chunked => 1000)
                       . $good, 3);

    is @$answers, 1, 'and what it holds is no request';
    like $answers->[0], qr/^413 /, 'but too large';
}

is_deeply talk(event(with => '"Expect: 100-continue"'), 2),
          ['100', '200 delivered'], '100 Continue before a body is read';
delivered(1, '100 Continue');

{
    # a sender that waits for the answer before it sends the body
    my ($head, $body) = split /(?<=\r\n\r\n)/,
                        event(key => 'none', with => '"Expect: 100-continue"');
    my $s = $nginx->connect;

    print $s $head;
    $s->flush;
    my $answer = $nginx->read($s);
    like $answer->{raw}, qr/^HTTP\/1.1 (100 Continue\r\n\r\nHTTP\/1.1 )?401 /,
         'a refusal does not wait for the body';
    like $answer->{raw}, qr/signature_missing/, 'and says why';
}

{
    my $s = $nginx->connect;

    print $s event() =~ s/Content-Length: 7/Content-Length: 100/r;
    $s->flush;
    shutdown $s, 1;
    is $nginx->read($s)->{status}, 0, 'a body cut short has no answer';
    ok $nginx->wait_log('prematurely closed connection'), 'nginx says so';
}

{
    my $s = $nginx->connect;

    print $s event(chunked => 3) =~ s/0\r\n\r\n\z//r;
    $s->flush;
    shutdown $s, 1;
    is $nginx->read($s)->{status}, 0, 'nor has a chunked one';
}

{
    my $s = $nginx->connect;

    print $s event(body => '{"a":1}' . ' ' x 5000) =~ s/ {4000}\z//r;
    $s->flush;
    my $answer = $nginx->read($s);
    is $answer->{raw}, '', 'a body that does not go on has no answer';
    ok $nginx->wait_for(sub { grep { / 408 / } $nginx->access }),
       'and is a 408 in the log';
}

is_deeply talk(event() =~ s/Content-Length: 7/Content-Length: 6/r, 1),
          ['401 signature_invalid'], 'a length that is too small';

is_deeply talk(event(body => '{"a":1}{}')
               =~ s/Content-Length: 9/Content-Length: 7/r, 1),
          ['401 signature_invalid'], 'a length that hides the end';

like talk(event() =~ s/Content-Length: 7/Content-Length: -1/r, 1)->[0],
     qr/^400 /, 'a negative length: 400';

like talk(event() =~ s/Content-Length: 7/Content-Length: 99999999999999999999/r,
          1)->[0], qr/^4\d\d /, 'a length that no number holds';

like talk(event(chunked => 3) =~ s/\r\n\r\n3\r\n/\r\n\r\nzz\r\n/r, 1)->[0],
     qr/^400 /, 'a chunk of no size: 400';

like talk(event(chunked => 3, uri => '/small')
          =~ s/\r\n\r\n3\r\n/\r\n\r\nfffffff\r\n/r, 1)->[0],
     qr/^413 /, 'a chunk that promises more than is allowed: 413';

{
    my $s = $nginx->connect;

    print $s event();
    close $s;
    delivered(1, 'a client that leaves at once: its event still goes out');
}

is_deeply talk("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n" . event()
               . "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", 3),
          ["200 ok\n", '200 delivered', "200 ok\n"],
          'an event between other requests';
delivered(1, 'an event between other requests');

is scalar $target->requests, $wanted, 'nothing else was delivered';

$nginx->ends_well;
done_testing;
