package Clients;

# The senders of make torture: processes that send events as Svix does, the same
# id again until there is an answer of 200.
#
#   my $clients = Clients->new(port => ..., dir => ..., n => 4, rate => 80,
#                              seed => 1, uri => '/jam', slots => 8);
#   $clients->pause;               no new events, only those that are not through
#   $clients->wait($seconds);      until they are; false: some are not
#   my $events = $clients->events;
#
# An event: { id, conversation, all, fin (SHA-1 of what the endpoints are to
# get), sent (when first), acked (when first; undef: never), answers => { what
# => n }, tries }.
#
# Some break a connection off on purpose, some send an event twice at the same
# time, and some send one again that was acknowledged.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Socket::INET;
use POSIX ();
use Socket qw(pack_sockaddr_in inet_aton PF_INET SOCK_STREAM IPPROTO_TCP
              TCP_NODELAY);
use Time::HiRes qw(time);

use Jamhook ();
use Jamhook::Env;
use Jamhook::Sign;


sub new {
    my ($class, %opt) = @_;

    my $self = bless { %opt, owner => $$, pids => [], to => [] }, $class;

    for my $i (1 .. $opt{n}) {
        pipe my $read, my $write or die "pipe: $!";

        my $pid = fork;
        die "fork: $!" unless defined $pid;

        if ($pid == 0) {
            # so that each ends with us
            CORE::close $_ for $write, @{ $self->{to} };
            $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT HUP ALRM CHLD);
            $SIG{PIPE} = 'IGNORE';
            $0 = "jamhook torture client";
            srand $opt{seed} * 1000 + $i;

            eval { Clients::Client->new(%opt, i => $i, orders => $read)->run };
            print STDERR "# client: $@" if $@;
            POSIX::_exit($@ ? 1 : 0);
        }

        push @{ $self->{pids} }, $pid;
        push @{ $self->{to} }, $write;
    }

    return $self;
}


sub pause { syswrite $_, "p" for @{ $_[0]{to} } }


sub wait {
    my ($self, $seconds) = @_;

    my $until = time + $seconds;

    while (@{ $self->{pids} }) {
        $self->{pids} = [grep { waitpid($_, POSIX::WNOHANG()) == 0 }
                         @{ $self->{pids} }];
        last if time > $until;
        Time::HiRes::sleep(0.05);
    }

    return !@{ $self->{pids} };
}


# they end when the pipes are closed
sub stop {
    my ($self) = @_;

    return if $self->{owner} != $$;

    CORE::close $_ for @{ delete $self->{to} || [] };
    waitpid $_, 0 for @{ delete $self->{pids} || [] };
}


sub DESTROY { local ($?, $@, $!); $_[0]->stop }


sub events {
    my ($self) = @_;

    my %events;

    for my $i (1 .. $self->{n}) {
        open my $fh, '<', "$self->{dir}/client.$i" or die $!;

        while (<$fh>) {
            chomp;
            my ($what, $id, @more) = split /\t/;

            if ($what eq 'event') {
                my %e = (id => $id, answers => {}, tries => 0, took => []);
                @e{qw(sent conversation all fin)} = @more;
                $events{$id} = \%e;
                next;
            }

            my $e = $events{$id};
            my ($at, $took, $answer) = @more;

            $e->{tries}++;
            $e->{answers}{$answer}++;

            next unless $answer =~ /^200/;

            push @{ $e->{took} }, $took;
            $e->{acked} = $at if !defined $e->{acked} || $at < $e->{acked};
        }
    }

    return \%events;
}


package Clients::Client;

use Digest::SHA qw(sha1_hex);
use Socket qw(pack_sockaddr_in inet_aton PF_INET SOCK_STREAM IPPROTO_TCP
              TCP_NODELAY);
use Time::HiRes qw(time);


sub new {
    my ($class, %opt) = @_;

    my $self = bless { %opt, serial => 0, due => [], busy => {} }, $class;

    open $self->{out}, '>', "$opt{dir}/client.$opt{i}" or die $!;
    $self->{address} = pack_sockaddr_in($opt{port}, inet_aton('127.0.0.1'));
    $self->{filler} = join '', map { chr(32 + ($_ * 7919 >> 3) % 95) }
                                   1 .. 60_000;
    $self->{filler} =~ tr/\\"/xy/;

    return $self;
}


# due: a list of [when, event]; busy: what is under way, by descriptor
sub run {
    my ($self) = @_;

    my $every = $self->{n} / $self->{rate};
    my $next = time + rand $every;
    my $paused = 0;

    while (1) {
        my $now = time;

        # a machine that cannot follow gets no rush afterwards
        $next = $now if $next < $now - 1;

        while (!$paused && $next <= $now) {
            # what cannot be sent yet is not made
            push @{ $self->{due} }, [$now, $self->event]
                if @{ $self->{due} } < 100;
            $next += $every * (0.5 + rand 1);
        }

        my @due = sort { $a->[0] <=> $b->[0] } @{ $self->{due} };

        while (@due && $due[0][0] <= $now
               && keys %{ $self->{busy} } < $self->{slots})
        {
            $self->send((shift @due)->[1]);
        }

        $self->{due} = \@due;

        # done with all of it
        return if $paused && !@due && !%{ $self->{busy} };

        my ($in, $out) = ('', '');
        my $until = $paused ? $now + 1 : $next;
        $until = $due[0][0] if @due && $due[0][0] < $until
                               && keys %{ $self->{busy} } < $self->{slots};

        vec($in, fileno $self->{orders}, 1) = 1;

        for my $c (values %{ $self->{busy} }) {
            vec($c->{out} eq '' ? $in : $out, $c->{fd}, 1) = 1;
            $until = $c->{until} if $c->{until} < $until;
        }

        my $wait = $until - time;
        select $in, $out, undef, $wait < 0.001 ? 0.001 : $wait;

        $now = time;

        for my $c (values %{ $self->{busy} }) {
            if (vec $out, $c->{fd}, 1) {
                $self->write($c);

            } elsif (vec $in, $c->{fd}, 1) {
                $self->read($c);

            } elsif ($c->{until} <= $now) {
                $self->end($c, $c->{breaks} ? 'broken off' : 'no answer');
            }
        }

        if (vec $in, fileno $self->{orders}, 1) {
            my $n = sysread $self->{orders}, my $order, 1;
            return unless $n;
            $paused = 1;
        }

        $self->{out}->flush;
    }
}


sub event {
    my ($self) = @_;

    my $n = ++$self->{serial};
    my $id = "msg_$self->{seed}x$self->{i}x$n";
    my $conversation = "c-$self->{i}-$n";
    my $jam = "jam-$id";
    my $url = "https://jam.dev/r/$id";
    my $length = rand() < 0.02 ? 20_000 + rand 30_000 : int rand 1500;
    my $filler = substr $self->{filler}, rand 1000, $length;

    my $body = qq({"id":"evt_$id","type":"intercom.recorder.recorded",)
        . qq("created_at":"2026-01-01T00:00:00Z","data":{"conversationId":)
        . qq("$conversation","jamId":"$jam","recording_url":"$url",)
        . qq("filler":"$filler"}});
    my $fin = qq({"event":"intercom.recorder.recorded","payload":)
        . qq({"conversationId":"$conversation","jamId":"$jam",)
        . qq("recording_url":"$url"}});

    print { $self->{out} } join("\t", 'event', $id, time, $conversation,
                                sha1_hex($body), sha1_hex($fin)), "\n";

    return { id => $id, body => $body, under_way => 0 };
}


sub send {
    my ($self, $event) = @_;

    my $twice = !$event->{tries}++ && rand() < 0.03;

    $self->connect($event) for 0 .. $twice;
}


sub connect {
    my ($self, $event) = @_;

    socket my $fh, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
    IO::Handle::blocking($fh, 0);
    setsockopt $fh, IPPROTO_TCP, TCP_NODELAY, 1;

    my $now = time;
    my $breaks = !$event->{acked} && rand() < 0.03;
    my $c = { fh => $fh, fd => fileno $fh, event => $event, in => '',
              from => $now, breaks => $breaks,
              until => $now + ($breaks ? rand 0.02
                               : 5 * $Jamhook::Env::PATIENCE),
              out => Jamhook::event(body => $event->{body}, id => $event->{id},
                                    uri => $self->{uri}) };

    $event->{under_way}++;
    $self->{busy}{$c->{fd}} = $c;

    connect $fh, $self->{address} or $!{EINPROGRESS}
        or $self->end($c, "connect: $!");
}


sub write {
    my ($self, $c) = @_;

    my $n = syswrite $c->{fh}, $c->{out};

    if (!defined $n) {
        $self->end($c, $!{ECONNREFUSED} ? 'refused' : 'closed')
            unless $!{EAGAIN};
        return;
    }

    substr $c->{out}, 0, $n, '';
}


sub read {
    my ($self, $c) = @_;

    my $n = sysread $c->{fh}, $c->{in}, 65536, length $c->{in};

    return if !defined $n && $!{EAGAIN};

    # "Connection: close": an answer is whole when its length is there
    if ($c->{in} =~ /\A(HTTP.*?\r\n\r\n)(.*)\z/s) {
        my ($head, $body) = ($1, $2);

        if ($head =~ /^content-length: (\d+)/mi && length $body >= $1) {
            my ($status) = $head =~ m{\AHTTP/1\.1 (\d+)};
            my ($word) = $body =~ /"(?:result|code)":"(\w+)"/;

            return $self->end($c, $status . (defined $word ? " $word" : ''));
        }
    }

    $self->end($c, 'closed') unless $n;
}


sub end {
    my ($self, $c, $how) = @_;

    my ($event, $now) = ($c->{event}, time);

    delete $self->{busy}{$c->{fd}};
    close $c->{fh};
    $event->{under_way}--;

    print { $self->{out} } join("\t", 'try', $event->{id}, $now,
                                sprintf('%.6f', $now - $c->{from}), $how), "\n";

    if ($how =~ /^200/) {
        # once in a while it did not hear that
        push @{ $self->{due} }, [$now + rand 3, $event]
            if !$event->{acked}++ && rand() < 0.02;

    } elsif (!$event->{acked} && !$event->{under_way}) {
        push @{ $self->{due} }, [$now + 0.1 + rand 0.6, $event];
    }
}


1;
