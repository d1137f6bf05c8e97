package Jamhook::Relay;

# Sections for blocks about deliveries, so that they show what they are about
# and no more. Where one of the first two stands, "location = /jam" passes
# events on, verified with P1, and Jam's sample event is sent unless the block
# has an event or a request.
#
#   --- endpoint    what stands in "location /e" of the endpoint "e"
#   --- fin         what stands in "location /fin" of the Fin endpoint "fin"
#   --- at          a name for the location of --- fin: /fin/
#   --- passes      the names after jamhook_pass; without it these endpoints
#
# "jamhook_sign off" is added where there is no such directive. In them, and in --- config
# and --- http_config, TARGET, REFUSED and HERE stand for 127.0.0.1 and a port.

use strict;
use warnings;

use Jamhook;

our $EVENT = '{"id":"evt_12345","type":"intercom.recorder.recorded",'
    . '"created_at":"2025-09-09T12:00:00Z","data":{"conversationId":'
    . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
    . '"recording_url":"https://jam.dev/r/rec_12345"}}';

our $FIN = '{"event":"intercom.recorder.recorded","payload":{"conversationId":'
    . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
    . '"recording_url":"https://jam.dev/r/rec_12345"}}';


sub location {
    my ($name, $more, $text) = @_;

    $more =~ s/ jamhook_connector [^;]*;// if $text =~ /\bjamhook_connector\b/;
    $more .= " jamhook_sign off;" unless $text =~ /\bjamhook_sign\b/;

    return "location $name {\n$more\n$text\n}\n";
}


Test::Nginx::Util::add_block_preprocessor(sub {
    my ($block) = @_;

    my ($config, @names) = ('');

    # the warnings of "nginx -t" have tests of their own
    $block->set_value('suppress_stderr', 1);

    if (defined $block->endpoint) {
        push @names, 'e';
        $config .= location('/e', 'jamhook_endpoint e;', $block->endpoint);
    }

    if (defined $block->fin) {
        push @names, 'fin';
        $config .= location(defined $block->at ? $block->at =~ s/\s+//gr
                            : '/fin', 'jamhook_endpoint fin;'
                            . ' jamhook_connector intercom_fin;', $block->fin);
    }

    if (@names) {
        my $passes = defined $block->passes ? $block->passes : "@names";

        $config .= "location = /jam { jamhook_pass $passes;"
                   . " jamhook_verify keys/P1.key; }\n";
        $block->set_value('config', $config . ($block->config || ''));

        $block->set_value('event', $EVENT) unless grep { defined }
            $block->event, $block->request, $block->raw_request;
    }

    my %address = (TARGET => '$TEST_NGINX_TARGET_PORT',
                   REFUSED => '$TEST_NGINX_REFUSED_PORT',
                   HERE => '$TEST_NGINX_SERVER_PORT');

    for my $section ('config', 'http_config') {
        my $text = $block->$section;
        next unless defined $text;
        $text =~ s/(?<!_)\b(TARGET|REFUSED|HERE)\b/127.0.0.1:$address{$1}/g;
        $block->set_value($section, $text);
    }
});


1;
