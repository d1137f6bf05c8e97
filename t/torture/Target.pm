package Target;

# The target of make torture: a process with an event loop that keeps a line of
# each request that it saw, and can be told how to treat the next ones.
#
#   my $target = Target->new(port => $port, log => $file, seed => 1);
#   $target->tell('/fin', 'hang');      the requests whose path begins so
#   $target->tell('/', '200');          and all others
#   $target->tell('down'); $target->tell('up');
#
# Ways: 200, 500, 503 (Retry-After: 1), hang, close, reset, half, slow (0.1 to
# 0.7 s, then 200), mixed (any of them, more than half of them 200).
#
# The log, a line of tab-separated words for each request: path, id, attempt,
# worker, key, signature (ok, or what is wrong), SHA-1 of the body or "-" when
# it did not come whole, from, to (when it was under way), way, and how it ended:
# a status that was written whole, "gone" (the other side closed first), or what
# this side did: "close", "down".
#
# Things that are seen in one turn of the loop happened at one time, and what
# was closed then was closed before anything began: a connection that the kernel
# closed for its killed owner is readable before the next one's request is.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use Jamhook::Sign;


sub new {
    my ($class, %opt) = @_;

    my $self = bless { %opt, owner => $$ }, $class;

    open $self->{out}, '>', $opt{log} or die "$opt{log}: $!";

    pipe my $read, my $write or die "pipe: $!";

    $self->listen;

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        close $write;
        $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT HUP ALRM CHLD);
        $SIG{PIPE} = 'IGNORE';
        $0 = "jamhook torture target";
        $self->{orders} = $read;
        srand $opt{seed};

        eval { $self->run };
        print STDERR "# target: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }

    close delete $self->{listener};
    $write->autoflush(1);
    $self->{pid} = $pid;
    $self->{to} = $write;

    return $self;
}


sub tell {
    my ($self, @words) = @_;

    print { $self->{to} } "@words\n";
}


# it ends when there is nobody to tell it anything
sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;

    close $self->{to};
    waitpid delete $self->{pid}, 0;
}


sub DESTROY { local ($?, $@, $!); $_[0]->stop }


sub listen {
    my ($self) = @_;

    $self->{listener} = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Proto => 'tcp',
        Listen => 1024, ReuseAddr => 1) or die "listen: $!";
    $self->{listener}->blocking(0);
}


# the process

sub run {
    my ($self) = @_;

    my $orders = '';
    my %c;

    $self->{c} = \%c;
    $self->{way} = {};
    $self->{key} = $Jamhook::Sign::KEYS{S1};

    while (1) {
        my $in = '';
        my $timeout = 1;
        my $now = time;

        vec($in, fileno $self->{orders}, 1) = 1;
        vec($in, fileno $self->{listener}, 1) = 1 if $self->{listener};

        for my $c (values %c) {
            vec($in, $c->{fd}, 1) = 1;

            next unless defined $c->{at};
            my $left = $c->{at} - $now;
            $timeout = $left if $left < $timeout;
        }

        my $n = select $in, undef, undef, $timeout < 0 ? 0 : $timeout;

        $self->{now} = time;

        if ($n > 0) {
            my @ready = grep { vec $in, $_->{fd}, 1 } values %c;

            # what ended, before what begins
            $self->read($_) for @ready;
            $self->gone($_) for grep { $_->{eof} } @ready;
            $self->parse($_) for grep { !$_->{eof} } @ready;

            $self->accept if $self->{listener}
                             && vec $in, fileno $self->{listener}, 1;

            if (vec $in, fileno $self->{orders}, 1) {
                sysread $self->{orders}, $orders, 4096, length $orders
                    or return $self->{out}->flush;
                $self->order(split ' ', $1) while $orders =~ s/\A(.*)\n//;
            }
        }

        for my $c (values %c) {
            $self->answer($c) if defined $c->{at} && $c->{at} <= $self->{now};
        }

        $self->{out}->flush;
    }
}


sub order {
    my ($self, $what, $way) = @_;

    if ($what eq 'down') {
        close delete $self->{listener} if $self->{listener};
        $self->done($_, 'down', 1) for values %{ $self->{c} };

    } elsif ($what eq 'up') {
        $self->listen unless $self->{listener};

    } else {
        $self->{way}{$what} = $way;
    }
}


sub accept {
    my ($self) = @_;

    while (my $fh = $self->{listener}->accept) {
        $fh->blocking(0);
        setsockopt $fh, IPPROTO_TCP, TCP_NODELAY, 1;

        # read in the next turn, see above
        $self->{c}{fileno $fh} = { fh => $fh, fd => fileno $fh, in => '' };
    }
}


sub read {
    my ($self, $c) = @_;

    while (1) {
        my $n = sysread $c->{fh}, $c->{in}, 65536, length $c->{in};

        return if !defined $n && $!{EAGAIN};

        if (!$n) {
            $c->{eof} = 1;
            return;
        }

        $c->{from} = $self->{now} unless defined $c->{from};
    }
}


sub parse {
    my ($self, $c) = @_;

    return if $c->{way} || !length $c->{in};

    if (!$c->{request}) {
        return unless $c->{in} =~ s/\A(.*?)\r\n\r\n//s;

        my ($line, @headers) = split /\r\n/, $1;
        my %h = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @headers;

        $h{path} = (split / /, $line)[1];
        $h{keep} = ($h{connection} || '') !~ /close/i && $line =~ m{/1\.1$};
        $c->{request} = \%h;
    }

    my $length = $c->{request}{'content-length'} || 0;

    return if length $c->{in} < $length;

    my $way = $self->way($c->{request}{path});

    $c->{body} = substr $c->{in}, 0, $length, '';
    $c->{whole} = 1;
    $c->{way} = $way;
    $c->{at} = $way eq 'slow' ? $self->{now} + 0.1 + rand 0.6
             : $way eq 'hang' ? undef : $self->{now};
}


sub way {
    my ($self, $path) = @_;

    my ($prefix) = sort { length $b <=> length $a }
                   grep { index($path, $_) == 0 } keys %{ $self->{way} };
    my $way = defined $prefix ? $self->{way}{$prefix} : '200';

    if ($way eq 'mixed') {
        my @ways = (('200') x 12, '500', '500', '503', qw(hang close reset half
                                                          slow slow));
        $way = $ways[rand @ways];
    }

    return $way;
}


sub answer {
    my ($self, $c) = @_;

    my $way = $c->{way};

    $c->{at} = undef;

    return $self->done($c, 'close', $way eq 'reset')
        if $way eq 'close' || $way eq 'reset';

    my $status = $way =~ /^\d+$/ ? $way : 200;
    my $keep = $c->{request}{keep} && $way ne 'half';
    my $body = '{"ok":true}';
    my $answer = "HTTP/1.1 $status Whatever\r\n"
        . ($status == 503 ? "Retry-After: 1\r\n" : '')
        . "Content-Type: application/json\r\n"
        . "Content-Length: " . length($body) . "\r\n"
        . "Connection: " . ($keep ? 'keep-alive' : 'close') . "\r\n\r\n$body";

    $answer = substr $answer, 0, 20 if $way eq 'half';

    # so little goes out at once, or not at all
    my $n = syswrite $c->{fh}, $answer;

    return $self->gone($c) if !defined $n || $n < length $answer;
    return $self->done($c, 'close', 1) if $way eq 'half';

    $self->line($c, $status);

    return $self->close($c) unless $keep;

    my $in = $c->{in};
    delete @$c{qw(request body whole way at from)};
    $c->{from} = $self->{now} if length $in;
    $self->parse($c);
}


sub gone {
    my ($self, $c) = @_;

    $self->line($c, 'gone');
    $self->close($c);
}


sub done {
    my ($self, $c, $how, $reset) = @_;

    $self->line($c, $how);
    $self->close($c, $reset);
}


sub close {
    my ($self, $c, $reset) = @_;

    delete $self->{c}{$c->{fd}};
    setsockopt $c->{fh}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $reset;
    CORE::close $c->{fh};
}


sub line {
    my ($self, $c, $how) = @_;

    my $h = $c->{request} or return;
    my ($sign, $digest) = ('-', '-');

    if ($c->{whole}) {
        my ($id, $timestamp, $signature) =
            map { defined $_ ? $_ : '' }
            @$h{qw(webhook-id webhook-timestamp webhook-signature)};

        $digest = sha1_hex($c->{body});
        $sign = !Jamhook::Sign::holds($self->{key}, $signature, $id, $timestamp,
                                      $c->{body}) ? 'wrong'
              : abs($timestamp - $self->{now}) > 30 ? 'old' : 'ok';
    }

    print { $self->{out} } join("\t", map { defined $_ && length $_ ? $_ : '-' }
        $h->{path}, @$h{qw(webhook-id x-attempt x-worker idempotency-key)},
        $sign, $digest, sprintf('%.6f', $c->{from}),
        sprintf('%.6f', $self->{now}), $c->{way}, $how), "\n";
}


1;
