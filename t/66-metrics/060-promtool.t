# modes: plain
#
# What Prometheus' own tool says of the metrics, and of the examples in t/run:
# each metric that they name is there.

use lib 't/lib', 't/66-metrics';
use Test::More;
use JSON::PP ();
use Jamhook::Nginx;
use Metrics;

my $target = Jamhook::Target->new('/e 200
/refuses 500');

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
                                server => q{
    location = /metrics { jamhook_metrics; }
    location = /jam { jamhook_pass e refuses; jamhook_verify keys/P1.key; }
    location = "/odd\"\\\\\n" { jamhook_pass e; jamhook_verify off; }
    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target};
    }
    location = /refuses {
        jamhook_endpoint refuses;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target};
    }
});

is $nginx->send(Jamhook::event(body => '{"a":1}', uri => $_))->{status}, 200,
   'an event' for '/jam', '/odd%22%5C%0A';

my $m;

ok $nginx->wait_for(sub {
    $m = Metrics::scrape($nginx);
    Metrics::value($m, 'attempts_total', endpoint => 'refuses',
                   outcome => 'status_5xx')
        && Metrics::value($m, 'deliveries_pending', endpoint => 'refuses');
}), 'metrics with something in all of them';

is_deeply [Metrics::problems($m)], [], 'nothing is wrong with their form';

my %counters = map { $_ => 1 } grep { $m->{types}{$_} eq 'counter' }
               keys %{ $m->{types} };

is_deeply [grep { !/_total$/ } sort keys %counters], [],
   'counters are called _total';
is_deeply [grep { /_total$/ && !$counters{$_} } sort keys %{ $m->{types} }],
          [], '... and nothing else';


# the examples

my %series = map { /^(\w+)/ ? ($1 => 1) : () } @{ $m->{order} };

sub named {
    my ($title, $text) = @_;
    my %named = map { $_ => 1 } $text =~ /\b(jamhook_[a-z_]+)\b/g;

    # directives, in what is to be done
    delete @named{qw(jamhook_metrics jamhook_store jamhook_verify jamhook_rate
                     jamhook_retention jamhook_disable_after
                     jamhook_max_active)};

    ok scalar(keys %named) >= 5, "$title names metrics";
    is_deeply [grep { !$series{$_} } sort keys %named], [],
              '... each of which is there';

    return \%named;
}

my $rules = 't/run/prometheus-rules.yml';
my $rules_text = Jamhook::Env::slurp($rules);
my $board_text = Jamhook::Env::slurp('t/run/grafana-dashboard.json');

named($rules, $rules_text);
my $shown = named('the dashboard', $board_text);

is_deeply [grep { !$shown->{$_} && !$shown->{"${_}_bucket"} }
           sort keys %{ $m->{types} }], [], '... and it shows all there are';

my %labels;
while ($m->{text} =~ /\b(\w+)="/g) { $labels{$1} = 1 }

# what an example filters and sums by
my @used = map { /(\w+)/g } ("$rules_text$board_text" =~ /by \(([\w, ]+)\)/g),
           ("$rules_text$board_text" =~ /[{,](\w+)(?:=~|!=|=)\\?"/g);

is_deeply [sort grep { !$labels{$_} && $_ ne 'instance' } @used], [],
          'labels that examples use are there';
is_deeply [grep { index($m->{text}, $_) < 0 }
           $rules_text =~ /(?:result|outcome)!?=("\w+")/g], [],
          '... with their values';

my $board = eval { JSON::PP->new->utf8->decode($board_text) };
ok $board, 'the dashboard is JSON' or diag $@;
is scalar(grep { !$_->{title} || !$_->{type} || !@{ $_->{targets} } }
          @{ $board->{panels} }), 0, '... each panel shows something';


# promtool

SKIP: {
    my ($well, $said) = Metrics::promtool($m->{text}, qw(check metrics));

    skip 'there is no promtool (t/tools/deps.sh test)', 6
        unless defined $well;

    ok $well, 'promtool takes the metrics' or diag $said;
    is $said, '', '... and has nothing to say of them';

    ($well, $said) = Metrics::promtool(undef, 'check', 'rules', $rules);
    ok $well, 'promtool takes the rules' or diag $said;

    # each expression of the dashboard, as a rule
    my $n = 0;
    my @rules = map {
        my $expr = $_->{expr};
        $expr =~ s/\$__rate_interval/5m/g;
        $expr =~ s/\$\w+/.*/g;
        { record => 'shown:' . 'x' x ++$n, expr => $expr };
    } map { @{ $_->{targets} } } @{ $board->{panels} };

    my $file = $nginx->dir . '/shown.json';
    Jamhook::Env::write_file($file, JSON::PP->new->encode(
        { groups => [{ name => 'shown', rules => \@rules }] }));

    ($well, $said) = Metrics::promtool(undef, 'check', 'rules', $file);
    ok $well, 'promtool takes what the dashboard asks' or diag $said;
    like $said, qr/$n rules found/, '... all of it';

    # bad ones are found
    ($well) = Metrics::promtool("a 1\na 1\nb{\n", qw(check metrics));
    ok !$well, 'it would say if something was wrong';
}

$nginx->ends_well;

done_testing;
