package Jamhook::Target;

# A target for deliveries: an HTTP server in a child process that answers as it
# is told and keeps every request it got.
#
#   my $target = Jamhook::Target->new('/a 200 | /b 503 "Retry-After: 7"');
#   $target->port;
#   $target->set('hang');             from the next request on
#   $target->requests;                what came so far
#   $target->wait(3);                 the same, once at least 3 came
#   $target->stop;
#
# What it is told, one rule a line: [/prefix] behaviour [ | behaviour ] ...
# The longest prefix counts, the n-th request to it gets its n-th behaviour, and
# the last one from then on. A behaviour is words (quoted as in a shell):
#
#   200, 503, ...       the status; without one 200
#   "Name: value"       a header
#   body=TEXT           the answer's body; {"ok":true} without one
#   bytes=3M            a body of this size (k, M)
#   delay=300ms         waits before it answers (ms, s)
#   slow=20ms           the body byte by byte, with this pause
#   chunked             chunked transfer encoding
#   http10              an HTTP/1.0 answer, ended by closing
#   finish              closes the connection after the answer
#   hang                reads the request, never answers
#   hold                keeps the request until something else is set, and then
#                       answers as that says, those that came first first
#   deaf                does not read at all
#   close               closes without an answer
#   reset               resets without an answer
#   half                status line, headers, half a body, then a reset
#   short               the same, then a close
#   garbage             bytes that are no HTTP
#   early               answers before it has read the body
#
# A request is a hash: n, conn, method, path, version, headers (a list of
# [name, value] in order), body, at (seconds), complete, from (the client's port).

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Text::ParseWords ();
use Time::HiRes qw(time sleep);

my $json = JSON::PP->new->ascii->canonical;
my $serial = 0;


sub new {
    my ($class, $rules, %opt) = @_;

    my $dir = $opt{dir} || $ENV{JAMHOOK_TMP} || die "no directory";
    my $path = "$dir/target." . $$ . "." . ++$serial;

    my $listener = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $opt{port} || 0,
        Proto => 'tcp', Listen => 4096, ReuseAddr => 1)
        or die "target: listen: $!";

    my $self = bless {
        port => $listener->sockport, pid => undef, owner => $$,
        rules_file => "$path.rules",
        log_file => $opt{log} || "$path.log",
        pos => 0, got => [],
    }, $class;

    $self->set($rules);

    open my $log, '>', $self->{log_file} or die "$self->{log_file}: $!";
    $log->autoflush(1);

    # the child ends when our end of this pipe goes away, however we die
    pipe my $alive, my $keep or die "pipe: $!";

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        close $keep;
        $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT HUP ALRM CHLD);
        $SIG{PIPE} = 'IGNORE';
        $0 = "jamhook test target";

        eval {
            Jamhook::Target::Server->new($listener, $opt{detach} ? undef
                                         : $alive, $log,
                                         $self->{rules_file})->run;
        };

        print STDERR "# target: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }

    $self->{pid} = $pid;
    $self->{keep} = $keep;

    return $self;
}


sub port { $_[0]{port} }
sub pid { $_[0]{pid} }


sub set {
    my ($self, $rules) = @_;

    $rules = parse($rules) unless ref $rules;

    open my $fh, '>', "$self->{rules_file}.new" or die $!;
    print $fh $json->encode($rules);
    close $fh or die $!;
    rename "$self->{rules_file}.new", $self->{rules_file} or die $!;
}


sub parse {
    my ($text) = @_;

    my @rules;

    for my $line (split /\n/, defined $text ? $text : '') {
        next if $line =~ /^\s*(#|$)/;

        my $prefix = $line =~ s{^\s*(/\S*)\s*}{} ? $1 : '';
        my @steps;

        for my $step (Text::ParseWords::quotewords('\s*\|\s*', 1, $line)) {
            my %do = (headers => []);

            for my $word (Text::ParseWords::shellwords($step)) {
                if ($word =~ /^\d{3}$/) {
                    $do{status} = $word;

                } elsif ($word =~ /^(delay|slow)=([\d.]+)(ms|s)$/) {
                    $do{$1} = $3 eq 'ms' ? $2 / 1000 : $2 + 0;

                } elsif ($word =~ /^bytes=(\d+)([kM]?)$/) {
                    $do{bytes} = $1 * { '' => 1, k => 1024,
                                        M => 1024 * 1024 }->{$2};

                } elsif ($word =~ /^body=(.*)$/s) {
                    $do{body} = $1;

                } elsif ($word =~ /^([\w-]+):\s*(.*)$/s) {
                    push @{ $do{headers} }, [$1, $2];

                } elsif ($word =~ /^(hang|hold|deaf|close|reset|half|short
                                    |garbage|early|chunked|http10|finish)$/x)
                {
                    $do{$word} = 1;

                } else {
                    die "target: what is \"$word\" in \"$line\"?\n";
                }
            }

            push @steps, \%do;
        }

        push @rules, { prefix => $prefix, steps => \@steps };
    }

    return \@rules;
}


sub requests {
    my ($self) = @_;

    open my $fh, '<', $self->{log_file} or die "$self->{log_file}: $!";
    seek $fh, $self->{pos}, 0;

    while (defined(my $line = <$fh>)) {
        last unless $line =~ /\n\z/;
        $self->{pos} += length $line;
        push @{ $self->{got} }, $json->decode($line);
    }

    return @{ $self->{got} };
}


sub wait {
    my ($self, $n, $seconds) = @_;

    my $until = time + ($seconds || 10 * ($ENV{JAMHOOK_PATIENCE} || 1));

    while (1) {
        my @got = $self->requests;
        return @got if @got >= $n || time > $until;
        sleep 0.01;
    }
}


# a request as text, as it would be shown to a person
sub text {
    my ($request) = @_;

    return join "\n", "$request->{method} $request->{path}",
                (map { "$_->[0]: $_->[1]" } @{ $request->{headers} }),
                "", $request->{body};
}


sub header {
    my ($request, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
                 @{ $request->{headers} };

    return wantarray ? @values : $values[0];
}


sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;

    close $self->{keep};
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    $self->requests if ${^GLOBAL_PHASE} ne 'DESTRUCT';
    undef $self->{pid};
    unlink $self->{rules_file};
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);
    $self->stop;
}


package Jamhook::Target::Server;

use Time::HiRes qw(time);
use Errno qw(EAGAIN EWOULDBLOCK EINTR);


sub new {
    my ($class, $listener, $alive, $log, $rules_file) = @_;

    $listener->blocking(0);

    return bless {
        listener => $listener, alive => $alive, log => $log,
        rules_file => $rules_file, rules => [], seen => '', loads => 0,
        count => {}, conns => {}, n => 0, nconn => 0,
    }, $class;
}


sub run {
    my ($self) = @_;

    my $read = IO::Select->new($self->{listener});
    $read->add($self->{alive}) if $self->{alive};

    while (1) {
        my ($in, $out) = (IO::Select->new($read->handles), IO::Select->new);
        my $wake = $self->release;

        for my $c (values %{ $self->{conns} }) {
            $in->add($c->{fh}) unless $c->{deaf};

            next unless length $c->{out} || $c->{then};

            if ($c->{at} > time) {
                $wake = $c->{at} if !defined $wake || $c->{at} < $wake;

            } else {
                $out->add($c->{fh});
            }
        }

        my $timeout = defined $wake ? $wake - time : 60;
        $timeout = 0.001 if $timeout < 0.001;

        my ($r, $w) = IO::Select::select($in, $out, undef, $timeout);

        for my $fh (@{ $r || [] }) {
            if ($fh == $self->{listener}) {
                $self->accept_all;

            } elsif ($self->{alive} && $fh == $self->{alive}) {
                return;

            } else {
                my $c = $self->{conns}{fileno $fh};
                $self->readable($c) if $c;
            }
        }

        for my $fh (@{ $w || [] }) {
            my $fd = fileno $fh;
            my $c = defined $fd ? $self->{conns}{$fd} : undef;
            $self->writable($c) if $c && $c->{at} <= time;
        }
    }
}


sub accept_all {
    my ($self) = @_;

    while (my $fh = $self->{listener}->accept) {
        $fh->blocking(0);
        setsockopt $fh, Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1;

        my $c = { fh => $fh, id => ++$self->{nconn}, in => '', out => '',
                  at => 0, then => undef, from => $fh->peerport };

        $self->{conns}{fileno $fh} = $c;

        # before a path is known, only a rule for all of them can tell
        my $do = $self->peek;
        $c->{deaf} = 1 if $do && $do->{deaf};
    }
}


# Those that are held, once there are other rules; when to look again.
sub release {
    my ($self) = @_;

    my @held = sort { $a->{id} <=> $b->{id} } grep { $_->{held} }
               values %{ $self->{conns} } or return undef;

    $self->load;

    for my $c (grep { $_->{held} != $self->{loads} } @held) {
        delete $c->{held};
        $c->{do} = $self->behaviour($c->{path});
        $self->answer($c);
    }

    return time + 0.01;
}


sub drop {
    my ($self, $c, $reset) = @_;

    delete $self->{conns}{fileno $c->{fh}};

    if ($reset) {
        setsockopt $c->{fh}, Socket::SOL_SOCKET, Socket::SO_LINGER,
                   pack 'ii', 1, 0;
    }

    close $c->{fh};
}


sub load {
    my ($self) = @_;

    my @st = Time::HiRes::stat($self->{rules_file}) or return;
    my $seen = join ' ', @st[1, 7, 9];

    return if $seen eq $self->{seen};

    open my $fh, '<', $self->{rules_file} or return;
    local $/;
    $self->{rules} = $json->decode(<$fh>);
    $self->{seen} = $seen;
    $self->{loads}++;
    $self->{count} = {};
}


sub rule_for {
    my ($self, $path) = @_;

    $self->load;

    my ($rule) = sort { length $b->{prefix} <=> length $a->{prefix} }
                 grep { index($path, $_->{prefix}) == 0 } @{ $self->{rules} };

    return $rule;
}


sub peek {
    my ($self) = @_;

    my $rule = $self->rule_for('') or return;

    return $rule->{steps}[0];
}


sub behaviour {
    my ($self, $path) = @_;

    my $rule = $self->rule_for($path) or return { headers => [] };
    my $i = $self->{count}{$rule->{prefix}}++;
    my $steps = $rule->{steps};

    return $steps->[$i < @$steps ? $i : -1] || { headers => [] };
}


sub readable {
    my ($self, $c) = @_;

    my $n = sysread $c->{fh}, my $data, 1024 * 1024;

    if (!defined $n) {
        return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        $n = 0;
    }

    if ($n == 0) {
        # a request that was cut off is kept too
        $self->record($c, 0) if $c->{request};
        return $self->drop($c);
    }

    $c->{in} .= $data;
    $self->parse_in($c);
}


sub parse_in {
    my ($self, $c) = @_;

    while (!$c->{busy}) {
        my $request = $c->{request};

        if (!$request) {
            return unless $c->{in} =~ s/\A(.*?)\r?\n\r?\n//s;

            my ($line, @headers) = split /\r?\n/, $1;
            my ($method, $path, $version) = split / /, $line, 3;

            $request = $c->{request} = {
                method => $method, path => $path, version => $version,
                headers => [map { [split /:\s*/, $_, 2] } @headers],
                body => '', at => time, conn => $c->{id},
                from => $c->{from} };

            my %h = map { lc $_->[0] => $_->[1] } @{ $request->{headers} };

            $c->{left} = $h{'content-length'} || 0;
            $c->{chunked} = ($h{'transfer-encoding'} || '') =~ /chunked/i;
            $c->{keep} = $version eq 'HTTP/1.1'
                         ? ($h{connection} || '') !~ /close/i
                         : ($h{connection} || '') =~ /keep-alive/i;
            $c->{path} = $path;
            $c->{do} = $self->behaviour($path);

            $self->answer($c) if $c->{do}{early};
        }

        if ($c->{chunked}) {
            while (1) {
                return unless $c->{in} =~ /\A([0-9a-f]+)[^\r\n]*\r\n/i;

                my ($size, $head) = (hex $1, length $&);

                return if length $c->{in} < $head + $size + 2;

                $request->{body} .= substr $c->{in}, $head, $size;
                substr $c->{in}, 0, $head + $size + 2, '';

                last if $size == 0;
            }

        } else {
            my $take = substr $c->{in}, 0, $c->{left}, '';

            $request->{body} .= $take;
            $c->{left} -= length $take;

            return if $c->{left} > 0;
        }

        $self->record($c, 1);
        $self->answer($c) unless $c->{do}{early};
    }
}


sub record {
    my ($self, $c, $complete) = @_;

    my $request = delete $c->{request};

    $request->{n} = ++$self->{n};
    $request->{complete} = $complete;

    my $line = $json->encode($request) . "\n";
    syswrite $self->{log}, $line;
}


sub answer {
    my ($self, $c) = @_;

    my $do = $c->{do};

    $c->{busy} = 1;
    $c->{at} = time + ($do->{delay} || 0);
    $c->{slow} = $do->{slow};
    $c->{then} = $c->{keep} ? 'next' : 'close';

    if ($do->{hang} || $do->{deaf} || $do->{hold}) {
        $c->{then} = undef;
        $c->{held} = $self->{loads} if $do->{hold};
        return;
    }

    if ($do->{reset} || $do->{close}) {
        $c->{then} = $do->{reset} ? 'reset' : 'close';
        return;
    }

    if ($do->{garbage}) {
        $c->{out} = "\x16\x03\x01 what is this\r\n\0\xff\r\n\r\n";
        $c->{then} = 'close';
        return;
    }

    my $status = $do->{status} || 200;
    my $version = $do->{http10} ? 'HTTP/1.0' : 'HTTP/1.1';
    my $bare = $status == 204 || $status == 304 || $status < 200;
    my $body = $bare ? ''
               : defined $do->{bytes} ? 'x' x $do->{bytes}
               : defined $do->{body} ? $do->{body} : '{"ok":true}';
    my $head = "$version $status Whatever\r\n";

    $head .= "$_->[0]: $_->[1]\r\n" for @{ $do->{headers} };

    my %has = map { lc $_->[0] => 1 } @{ $do->{headers} };

    $head .= "Content-Type: application/json\r\n"
        unless $bare || $has{'content-type'};

    if ($do->{chunked}) {
        $head .= "Transfer-Encoding: chunked\r\n";
        $body = (length $body ? sprintf("%x\r\n%s\r\n", length $body, $body)
                 : '') . "0\r\n\r\n";

    } elsif (!$bare && !$do->{http10} && !$has{'content-length'}
             && !$has{'transfer-encoding'})
    {
        $head .= "Content-Length: " . length($body) . "\r\n";
    }

    if ($do->{http10} || $do->{finish}) {
        $c->{then} = 'close';
    }

    if ($do->{half} || $do->{short}) {
        $body = substr $body, 0, length($body) / 2;
        $c->{then} = $do->{half} ? 'reset' : 'close';
    }

    $head .= "Connection: " . ($c->{then} eq 'next' ? 'keep-alive' : 'close')
             . "\r\n" unless $has{connection};

    $c->{out} = "$head\r\n$body";
    $c->{fast} = length($head) + 2;
}


sub writable {
    my ($self, $c) = @_;

    while (length $c->{out}) {
        my $want = length $c->{out};

        if ($c->{slow}) {
            $want = $c->{fast} > 0 ? $c->{fast} : 1;
        }

        my $n = syswrite $c->{fh}, $c->{out}, $want;

        if (!defined $n) {
            return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
            return $self->drop($c);
        }

        substr $c->{out}, 0, $n, '';

        if ($c->{slow}) {
            $c->{fast} -= $n;
            $c->{at} = time + $c->{slow};
            return if length $c->{out};
        }
    }

    my $then = $c->{then} || '';
    $c->{then} = undef;

    if ($then eq 'reset') {
        return $self->drop($c, 1);
    }

    if ($then eq 'close') {
        return $self->drop($c);
    }

    if ($then eq 'next') {
        $c->{busy} = 0;
        $self->parse_in($c) if length $c->{in};
    }
}


1;
