package Wire;

# The wire between a node and the database's servers: a process with a port for
# each server, that forwards to it what comes, or does not.
#
#   my $wire = Wire->new(to => [5432, 5433]);
#   $wire->ports;
#   $wire->tell('cut');          nothing gets through any more, both ways, and
#                                nobody is told so
#   $wire->tell('cut', 1);       the same, to the second server alone
#   $wire->tell('deaf');         what the node asks gets through, the answers do
#                                not
#   $wire->tell('heal');         what waited goes on
#   $wire->tell('reset');        all connections end at once
#   $wire->tell('lost', 1);      this server is cut off, whatever else is told,
#   $wire->tell('found', 1);     until then
#
# While it is cut the kernel of this machine takes what the node sends, and new
# connections, and confirms both: to the node its server is there, and silent.
# What it sent comes to the server when the wire is healed, however late, unless
# the node gave the connection up with answers unread.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);

use constant HOLDS => 1 << 20;      # bytes, per direction


sub new {
    my ($class, %opt) = @_;

    my $self = bless { %opt, owner => $$ }, $class;

    $self->{listeners} = [map {
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
                              Proto => 'tcp', Listen => 256)
            or die "listen: $!";
    } @{ $opt{to} }];

    $self->{ports} = [map { $_->sockport } @{ $self->{listeners} }];

    pipe my $read, my $write or die "pipe: $!";

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT HUP ALRM CHLD);
        $SIG{PIPE} = 'IGNORE';
        $0 = "jamhook torture wire";
        $self->{orders} = $read;

        eval { $self->run };
        print STDERR "# wire: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }

    close $_ for @{ delete $self->{listeners} };
    close $read;
    $write->autoflush(1);
    $self->{pid} = $pid;
    $self->{orders_to} = $write;

    return $self;
}


sub ports { @{ $_[0]{ports} } }


sub tell {
    my ($self, @words) = @_;

    local $SIG{PIPE} = 'IGNORE';

    print { $self->{orders_to} } "@words\n" or die "the wire is gone\n";
}


# what was forked later holds the pipe as well, so it is told
sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;

    eval { $self->tell('end') };
    close $self->{orders_to};
    waitpid delete $self->{pid}, 0;
}


sub DESTROY { local ($?, $@, $!); $_[0]->stop }


# the process; of each connection there are two ends that know each other

sub run {
    my ($self) = @_;

    my $orders = '';

    $self->{ends} = {};
    $self->{way} = [('heal') x @{ $self->{to} }];
    $self->{lost} = [];

    for my $listener (@{ $self->{listeners} }) {
        $listener->blocking(0);
    }

    while (1) {
        my ($in, $out) = ('', '');

        vec($in, fileno $self->{orders}, 1) = 1;

        for my $i (0 .. $#{ $self->{listeners} }) {
            vec($in, fileno $self->{listeners}[$i], 1) = 1
                if $self->{way}[$i] ne 'cut' && !$self->{lost}[$i];
        }

        for my $end (values %{ $self->{ends} }) {
            vec($in, $end->{fd}, 1) = 1 if $self->reads($end);
            vec($out, $end->{fd}, 1) = 1
                if length $end->{out} || $end->{connecting};
        }

        select $in, $out, undef, 1;
        return if getppid != $self->{owner};

        for my $fd (keys %{ $self->{ends} }) {
            my $end = $self->{ends}{$fd} or next;

            $self->write($end) if vec $out, $fd, 1;
            $end = $self->{ends}{$fd} or next;
            $self->read($end) if vec $in, $fd, 1;
        }

        for my $i (0 .. $#{ $self->{listeners} }) {
            $self->accept($i) if vec $in, fileno $self->{listeners}[$i], 1;
        }

        if (vec $in, fileno $self->{orders}, 1) {
            sysread $self->{orders}, $orders, 4096, length $orders or return;

            while ($orders =~ s/\A(.*)\n//) {
                return if $1 eq 'end';
                $self->order(split ' ', $1);
            }
        }
    }
}


sub order {
    my ($self, $what, $which) = @_;

    for my $i (defined $which ? $which : 0 .. $#{ $self->{to} }) {
        if ($what eq 'reset') {
            my @ends = grep { $_->{i} == $i } values %{ $self->{ends} };

            # with one goes its other
            $_->{fh} && $self->close($_, 1) for @ends;

        } elsif ($what eq 'lost' || $what eq 'found') {
            $self->{lost}[$i] = $what eq 'lost';

        } else {
            $self->{way}[$i] = $what;
        }
    }
}


# is what comes from this end taken?
sub reads {
    my ($self, $end) = @_;

    my $way = $self->{way}[$end->{i}];

    return !$end->{eof} && !$end->{connecting} && $way ne 'cut'
           && !$self->{lost}[$end->{i}]
           && !($way eq 'deaf' && $end->{server})
           && length $end->{other}{out} < HOLDS;
}


sub accept {
    my ($self, $i) = @_;

    while (my $fh = $self->{listeners}[$i]->accept) {
        my $to = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $self->{to}[$i],
                                       Proto => 'tcp', Blocking => 0);
        if (!$to) {
            reset_of($fh);
            next;
        }

        my @ends = map { { fh => $_, fd => fileno $_, i => $i, out => '' } }
                   $fh, $to;

        $ends[0]{other} = $ends[1];
        $ends[1]{other} = $ends[0];
        $ends[1]{server} = 1;
        $ends[1]{connecting} = 1;

        for my $end (@ends) {
            $end->{fh}->blocking(0);
            setsockopt $end->{fh}, IPPROTO_TCP, TCP_NODELAY, 1;
            $self->{ends}{$end->{fd}} = $end;
        }
    }
}


sub read {
    my ($self, $end) = @_;

    my $other = $end->{other};
    my $n = sysread $end->{fh}, $other->{out}, 65536, length $other->{out};

    return if !defined $n && $!{EAGAIN};
    return $self->close($end, 1) unless defined $n;

    $end->{eof} = 1 unless $n;
    $self->write($other);
}


sub write {
    my ($self, $end) = @_;

    if ($end->{connecting}) {
        my $error = $end->{fh}->sockopt(Socket::SO_ERROR());

        return $self->close($end, 1) if $error;
        return if !$end->{fh}->connected;

        $end->{connecting} = 0;
    }

    if (length $end->{out}) {
        my $n = syswrite $end->{fh}, $end->{out};

        return if !defined $n && $!{EAGAIN};
        return $self->close($end, 1) unless defined $n;

        substr $end->{out}, 0, $n, '';
    }

    # all that the other one said is through; who ends, ends both ways
    $self->close($end) if $end->{other}{eof} && !length $end->{out};
}


sub close {
    my ($self, $end, $reset) = @_;

    for my $one ($end, $end->{other}) {
        next unless $one->{fh};

        delete $self->{ends}{$one->{fd}};
        $reset ? reset_of($one->{fh}) : CORE::close $one->{fh};
        delete $one->{fh};
    }

    delete $end->{other}{other};
    delete $end->{other};
}


sub reset_of {
    my ($fh) = @_;

    setsockopt $fh, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    CORE::close $fh;
}


1;
