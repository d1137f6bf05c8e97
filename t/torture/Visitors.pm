package Visitors;

# Who else comes while make soak runs: a process that does one thing after the
# other, by chance: forged, old, broken and oversized events, requests that are
# broken off, calls of the portal that look, act and are not allowed to, and
# events of its own, which it replays and forgets.
#
#   my $visitors = Visitors->new($nginx, rate => 10, seed => 1, file => $file);
#   my $did = $visitors->stop;      { what => { status => how often } }; what is
#                                   paused is resumed, and that was waited for
#   Visitors::wrong($did);          lines: what was answered as it must not be
#
# Status 0: the connection ended without an answer, as where a worker is killed.

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(time sleep);

use Jamhook ();
use Jamhook::Env;

my $OVERSIZED = 1_200_000;      # client_max_body_size is 1m
my $PATIENCE = $Jamhook::Env::PATIENCE;

# what is done, how often in comparison, and what may be answered
my %WAYS = (
    forged     => [4, qr/^401$/, sub { event(key => 'P2') }],
    unsigned   => [2, qr/^401$/, sub { event(key => 'none') }],
    old        => [2, qr/^401$/, sub { event(ts => -400) }],
    broken     => [2, qr/^400$/, sub { event(body => '{"a":') }],

    # nginx may be done with it before all of it was sent
    oversized  => [1, qr/^413$/, sub { event(body => 'x' x $OVERSIZED) }],
    chunked    => [1, qr/^413$/, sub { event(body => 'x' x $OVERSIZED,
                                             chunked => 65536) }],

    # one of its own, that is being sent, is neither replayed nor forgotten
    own        => [6, qr/^200$/, sub { event(id => $_[0]) }],
    replay     => [2, qr/^(?:200|409)$/,
                   sub { portal('POST', "events/$_[0]/replay") }],
    forget     => [1, qr/^(?:200|409)$/,
                   sub { portal('DELETE', "events/$_[0]") }],
    test       => [1, qr/^200$/, sub { portal('POST', 'endpoints/sink/test') }],

    page       => [1, qr/^200$/, sub { get('/jamhook/') }],
    metrics    => [2, qr/^200$/, sub { get('/metrics') }],
    events     => [3, qr/^200$/, sub { portal('GET', 'events?limit=50') }],
    failed     => [1, qr/^200$/, sub { portal('GET', 'events?state=failed') }],
    attempts   => [2, qr/^200$/, sub { portal('GET', 'attempts?limit=50') }],
    endpoints  => [2, qr/^200$/, sub { portal('GET', 'endpoints') }],
    stats      => [2, qr/^200$/, sub { portal('GET', 'stats?window=1h') }],
    status     => [1, qr/^200$/, sub { portal('GET', 'status') }],
    event      => [3, qr/^200$/,
                   sub { portal('GET', "events/$_[0]") }],
    missing    => [1, qr/^404$/, sub { portal('GET', 'events/msg_none') }],
    stranger   => [1, qr/^403$/,
                   sub { portal('POST', 'endpoints/all/pause',
                                'Origin: https://elsewhere.example') }],
);


sub new {
    my ($class, $nginx, %opt) = @_;

    my $self = bless { %opt, nginx => $nginx, owner => $$ }, $class;

    pipe my $read, my $write or die "pipe: $!";

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        CORE::close $write;
        $SIG{$_} = 'DEFAULT' for qw(TERM INT QUIT HUP ALRM CHLD);
        $SIG{PIPE} = 'IGNORE';
        $0 = "jamhook torture visitors";
        srand $opt{seed};
        $self->{orders} = $read;

        eval { $self->run };
        print STDERR "# visitors: $@" if $@;
        POSIX::_exit($@ ? 1 : 0);
    }

    $self->{pid} = $pid;
    $self->{to} = $write;

    return $self;
}


# it ends when there is nobody to visit for
sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;

    CORE::close $self->{to};
    waitpid delete $self->{pid}, 0;

    my %did;

    for (split /\n/, Jamhook::Env::slurp($self->{file})) {
        my ($what, $status, $n) = split ' ';
        $did{$what}{$status} = $n;
    }

    return \%did;
}


sub DESTROY { local ($?, $@, $!); $_[0]->stop }


# 0 and 503 are for nobody's good, but where workers die they are right
sub wrong {
    my ($did) = @_;

    my @wrong;

    for my $what (sort keys %$did) {
        my $may = $what eq 'half' ? qr/^0$/
                : $what =~ /^(?:pause|resume)$/ ? qr/^200$/ : $WAYS{$what}[1];

        push @wrong, map { "$what: $_, $did->{$what}{$_} times" }
                     grep { !/$may/ && !/^(?:0|503)$/ }
                     sort keys %{ $did->{$what} };
    }

    return @wrong;
}


# the process

sub run {
    my ($self) = @_;

    my @ways = (('half') x 2, 'pause',
                map { ($_) x $WAYS{$_}[0] } sort keys %WAYS);
    my $next = time;

    $self->{ids} = [];      # of events that were answered with 200

    while (1) {
        my $in = '';
        my $left = $next - time;

        vec($in, fileno $self->{orders}, 1) = 1;
        last if select $in, undef, undef, $left > 0 ? $left : 0;

        my $what = $ways[rand @ways];

        $what eq 'half' ? $self->half
            : $what eq 'pause' ? $self->pause : $self->way($what);

        $next += (0.5 + rand 1) / $self->{rate};
        $next = time if $next < time - 1;
    }

    my $did = $self->{did};

    Jamhook::Env::write_file($self->{file}, join '', map {
        my $what = $_;
        map { "$what $_ $did->{$what}{$_}\n" } keys %{ $did->{$what} };
    } keys %$did);
}


sub way {
    my ($self, $what) = @_;

    my $ids = $self->{ids};

    $what = 'own' if !@$ids && $what =~ /^(?:replay|forget|event)$/;

    my $id = $what eq 'own' ? sprintf 'own_%dx%d', $self->{seed}, ++$self->{n}
           : $what eq 'forget' ? shift @$ids : $ids->[rand @$ids];

    my $status = $self->act($what, $WAYS{$what}[2]->($id));

    push @$ids, $id if $what eq 'own' && $status == 200;
}


sub act {
    my ($self, $what, $request) = @_;

    # a worker that is replaced does not take connections for a moment
    my $answer = eval { $self->{nginx}->send($request, 10 * $PATIENCE) };
    my $status = $answer ? $answer->{status} : 0;

    $self->{did}{$what}{$status}++;

    return $status;
}


# a request that goes on no further, and a client that does not wait
sub half {
    my ($self) = @_;

    my $request = event(body => 'x' x 40_000);
    my $s = eval { $self->{nginx}->connect } or return;

    print $s substr $request, 0, rand length $request;
    $s->flush;
    sleep rand 0.2;
    CORE::close $s;

    $self->{did}{half}{0}++;
}


# what is held is let go, whoever dies meanwhile
sub pause {
    my ($self) = @_;

    my $until = time + 30 * $PATIENCE;

    $self->act('pause', portal('POST', 'endpoints/all/pause'));
    sleep rand 0.2;

    while ($self->act('resume', portal('POST', 'endpoints/all/resume')) != 200) {
        die "an endpoint is not resumed\n" if time > $until;
        sleep 0.1;
    }
}


sub event {
    return Jamhook::event(uri => '/own', body => '{"a":1}', @_);
}


sub get {
    my ($path) = @_;

    return "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}


sub portal {
    my ($method, $path, @headers) = @_;

    return join "\r\n", "$method /jamhook/api/$path HTTP/1.1",
                'Host: localhost', 'X-Jamhook-Request: 1', 'Connection: close',
                @headers, '', '';
}


1;
